#!/usr/bin/env bash
# A run that broke off, because an input was not there yet.
ls pages/*.png > pages.txt && echo pages/late.png >> pages.txt
! sluice run job.toml --set input.list=pages.txt --run-dir runs/annotate-documents
echo "page 21" > pages/late.png
