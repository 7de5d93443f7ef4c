#!/usr/bin/env bash
grep -q '<html' runs/job/report.html
grep -q traceEvents runs/job/trace.json
grep -q 'http://127.0.0.1:[0-9]*/?token=' output
