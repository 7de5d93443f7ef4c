#!/usr/bin/env bash
python -c 'import h5py' || exit 77
