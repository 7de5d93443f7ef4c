#!/usr/bin/env bash
[ "$(grep -c '"key"' runs/annotate-documents/pages.jsonl)" = 21 ]
