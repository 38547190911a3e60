/** Each asks `ephemera completion SHELL --words …` for the words; where there are none, it completes files. */

const BASH = `_ephemera() {
  local word
  COMPREPLY=()
  while IFS= read -r word; do
    [[ -n $word ]] && COMPREPLY+=("$word")
  done < <(ephemera completion bash --words "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [[ \${COMPREPLY[0]} == *: ]] && compopt -o nospace
  return 0
}
complete -o default -F _ephemera ephemera`;

const ZSH = `#compdef ephemera
_ephemera() {
  local line
  local -a found
  for line in "\${(@f)$(ephemera completion zsh --words "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  if (( \${#found} )); then _describe ephemera found; else _files; fi
}
if [[ $funcstack[1] == _ephemera ]]; then _ephemera "$@"; else compdef _ephemera ephemera; fi`;

const FISH = `function __ephemera_complete
  set -l typed (commandline -opc) (commandline -ct)
  set -l found (ephemera completion fish --words $typed[2..-1] 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c ephemera -f -a '(__ephemera_complete)'`;

export const SHELL_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
