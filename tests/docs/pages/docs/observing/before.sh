#!/usr/bin/env bash
sluice run job.toml --trace
