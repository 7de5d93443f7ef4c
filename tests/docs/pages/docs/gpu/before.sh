#!/usr/bin/env bash
# The plugin that the page names, where it says that it is.
ln -sfn "$SLUICE_BUILD" build
