#!/usr/bin/env bash
sluice run job.toml --mode batch --workers 1
cp runs/job/intermediates/2-ocr/*.h5 1-5f3c9d01-r3-0.h5
python look.py > seen
[ "$(grep -c '^\[\?[0-9].*pages/page-' seen)" = 20 ]
[ "$(grep -c '^  buffer' seen)" -le 20 ]
