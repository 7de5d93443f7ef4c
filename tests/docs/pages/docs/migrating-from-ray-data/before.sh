#!/usr/bin/env bash
python -c 'import numpy' || exit 77
