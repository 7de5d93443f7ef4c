#!/usr/bin/env bash
python -c 'import numpy' || exit 77
# An environment that has what this one has.
mkdir -p envs/caption/bin
ln -s "$PWD/bin/python" envs/caption/bin/python
