#!/usr/bin/env python3
"""Finds pages that mean what a query means, in the output of job-embed.toml."""

import argparse
import os
import sys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VENV = os.path.join(REPOSITORY, "build/annotate-documents/minilm")
PAGES = os.path.join(REPOSITORY, "runs/annotate-documents-embed/pages.h5")


def best(pages, model, query, count):
    """(similarity, key, text) of the pages most like the query."""
    similarities = pages["embedding"][:] @ model.embed([query])[0]
    order = (-similarities).argsort()[:count]
    keys, texts = pages["key"].asstr()[:], pages["text"].asstr()[:]
    return [(similarities[i], keys[i], texts[i]) for i in order]


def check(pages, model, path):
    """Asks all queries of a file of lines PAGE<tab>QUERY; the number of those whose page is not
    the first."""
    wrong = 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            page, query = line.rstrip("\n").split("\t")
            similarity, key, _ = best(pages, model, query, 1)[0]
            right = os.path.basename(key) == page
            wrong += not right
            print(f"{'right' if right else f'WRONG, not {page}:'} {similarity:.2f} {key}: {query}")
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("query", nargs="?")
    parser.add_argument("--pages", default=PAGES, help="what the job wrote")
    parser.add_argument("--top", type=int, default=3, help="how many pages to show")
    parser.add_argument("--check", metavar="FILE", help="lines PAGE<tab>QUERY to ask instead")
    arguments = parser.parse_args()
    if (arguments.query is None) == (arguments.check is None):
        parser.error("give a query, or --check FILE")

    import h5py
    from minilm import MiniLM

    model = MiniLM()
    with h5py.File(arguments.pages) as pages:
        if arguments.check:
            sys.exit(1 if check(pages, model, arguments.check) else 0)
        for similarity, key, text in best(pages, model, arguments.query, arguments.top):
            print(f"{similarity:.2f}  {key}\n      {' '.join(text.split())[:90]}")


if __name__ == "__main__":
    # In the environment that has the model, whoever calls.
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        python = os.path.join(VENV, "bin/python")
        if os.path.realpath(sys.prefix) == os.path.realpath(VENV) or not os.path.exists(python):
            sys.exit(f"search.py: no model in {VENV}; run jobs/annotate-documents/make-venv.sh")
        os.execv(python, [python, os.path.abspath(__file__), *sys.argv[1:]])
    main()
