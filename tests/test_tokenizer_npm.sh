#!/bin/sh
# SPDX-License-Identifier: MIT
# Tokens by the tokenizers of published models, where WATERSIC_NPM names a directory that has them
# (tests/tokenizer/README.md); skipped elsewhere.
# Usage: test_tokenizer_npm.sh TOKENS_OF
set -u

if [ -z "${WATERSIC_NPM-}" ] || ! command -v node >/dev/null; then
    echo "skipped: WATERSIC_NPM names no directory, or there is no node"
    exit 77
fi
exec node "$(dirname "$0")/tokenizer/compare.mjs" "$1" "$WATERSIC_NPM" 100
