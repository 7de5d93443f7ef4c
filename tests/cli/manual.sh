#!/usr/bin/env bash
# manual.sh SLUICE: every command and option that the help shows is in the manual pages and in the
# shells' completions, and the programs that read those find nothing wrong with them.
set -euo pipefail

sluice=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$sluice" man --all "$folder/man1"
for shell in bash zsh fish; do "$sluice" completion "$shell" > "$folder/$shell"; done

fail() { echo "$*" >&2 && exit 1; }
# holds FILE TEXT WHAT
holds() { grep -qF -- "$2" "$1" || fail "$3 is missing in $(basename "$1")"; }

check_option() {
  local command=$1 option=$2 what="$1 $2"
  holds "$folder/man1/sluice-$command.1" "\\fB${option//-/\\-}\\fR" "$what"
  holds <(sed -n "/^    $command)/,/;;\$/p" "$folder/bash") "$option" "$what of bash"
  holds <(sed -n "/^      $command)/,/;;\$/p" "$folder/zsh") "${option}[" "$what of zsh"
  local short=${option#-}
  if [[ $option == --* ]]; then short="-l ${option#--}"; else short="-s $short"; fi
  holds <(grep "from $command'" "$folder/fish") "$short " "$what of fish"
}

mapfile -t commands < <("$sluice" --help | sed -n '/^Subcommands:/,$ s/^  \([a-z]\+\) .*/\1/p')
[ "${#commands[@]}" -ge 15 ] || fail "the help shows ${#commands[@]} commands"
checked=0
for command in "${commands[@]}"; do
  holds "$folder/man1/sluice.1" "\\fBsluice\\-$command\\fR" "$command"
  while read -r option; do
    check_option "$command" "$option"
    checked=$((checked + 1))
  done < <("$sluice" "$command" --help | sed -n 's/^  \(-[^ {]*\).*/\1/p' | tr ',' '\n')
done
[ "$checked" -ge 80 ] || fail "only $checked options were found"

# has PROGRAM: or else it is said that a check is left out.
has() { command -v "$1" >/dev/null || { echo "no $1 here" && false; }; }
for page in "$folder"/man1/*.1; do
  if has mandoc; then
    said=$(mandoc -T lint -W warning "$page" | grep -v 'missing date' || true)
    [ -z "$said" ] || fail "$said"
  fi
  if has man; then
    said=$(LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l "$page" 2>&1 >/dev/null)
    [ -z "$said" ] || fail "$said"
  fi
done
for shell in bash zsh fish; do
  ! has "$shell" || "$shell" -n "$folder/$shell"
done
