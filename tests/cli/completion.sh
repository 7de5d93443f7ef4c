#!/usr/bin/env bash
# completion.sh SLUICE: what bash, fish and zsh offer for half-written commands.
set -euo pipefail

sluice=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$sluice" completion fish > "$folder/sluice.fish"
# shellcheck source=/dev/null
source <("$sluice" completion bash)
# shellcheck disable=SC2317  # called by what was sourced; the real one works only in a completion
compopt() { :; }
mkdir -p "$folder/work/jobs"
cd "$folder/work"
touch a.toml 'b c.toml' notes.txt

failed=0
# expect OFFER WANTED WHAT
expect() {
  [ "$1" = "$2" ] || { echo "$3 offers '$1' instead of '$2'" >&2 && failed=1; }
}
# bash_offers WANTED WORD…: as the shell takes the words apart.
bash_offers() {
  local wanted=$1
  shift
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  _sluice
  expect "$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' '|')" "$wanted" "bash: $*"
}
bash_offers 'report|resume|retry|' sluice re
bash_offers '--version|' sluice --v
bash_offers '--page|--page-token|' sluice run a.toml --pa
bash_offers 'auto|batch|debug|streaming|' sluice plan --mode ''
bash_offers 'batch|' sluice run --mode = ba
bash_offers 'a.toml|b c.toml|jobs|' sluice run ''
bash_offers 'a.toml|' sluice sbatch --submit a
bash_offers 'jobs|' sluice status ''
bash_offers 'notes.txt|' sluice report jobs --out n
bash_offers '|' sluice run a.toml --set ''
bash_offers 'bash|fish|zsh|' sluice completion ''

# In a shell that is being typed into: a tab completes.
typed=$(printf 'source <("%s" completion bash)\nsluice() { echo "got $*"; }\nsluice valid\ta.t\t\n' \
  "$sluice" | TERM=dumb timeout 20 bash --norc --noprofile -i 2>&1 || true)
[[ $typed == *"got validate a.toml"* ]] || { echo "a tab gave: $typed" >&2 && failed=1; }

if command -v fish >/dev/null; then
  fish_offers() {
    expect "$(HOME=$folder fish -c "source $folder/sluice.fish; complete -C '$2'" | cut -f 1 |
      sort | tr '\n' '|')" "$1" "fish: $2"
  }
  fish_offers 'report|resume|retry|' 'sluice re'
  fish_offers '--page|--page-token|' 'sluice run a.toml --pa'
  fish_offers 'auto|batch|debug|streaming|' 'sluice plan --mode '
  fish_offers 'jobs/|' 'sluice status '
fi

# zsh completes only at a terminal: it is given one, and tabs.
if command -v zsh >/dev/null; then
  "$sluice" completion zsh > "$folder/_sluice"
  cat > "$folder/typed.zsh" <<'EOF'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $1/dump"
zpty -w shell 'sluice() { print -- "got" $@ }'
zpty -w shell $'sluice valid\ta.t\t'
zpty -w shell $'sluice run --mo\tba\ta.toml'
zpty -r -m shell seen '*got validate a.toml*got run --mode batch a.toml*'
zpty -d shell
print -r -- "$seen"
EOF
  typed=$(timeout 30 zsh -f "$folder/typed.zsh" "$folder" 2>&1 || true)
  [[ $typed == *"got run --mode batch a.toml"* ]] || { echo "zsh gave: $typed" >&2 && failed=1; }
fi
exit "$failed"
