#!/usr/bin/env bash
[ "$(grep -c '"words":4' runs/words-mpi/words.jsonl)" = 20 ]
[ "$(grep -c '"key"' runs/words/words.jsonl)" = 20 ]
grep -q '"texts/7.txt".*"words":4' runs/words/words.jsonl
grep -q 'there are no words in it' output
