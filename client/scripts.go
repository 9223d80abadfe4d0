package main

import (
	"context"
	"flag"
	"maps"
	"slices"
	"strings"

	"kaiwa/client/session"
)

// completion prints a script that completes the command line in a shell.
func completion(_ context.Context, _ *session.Query, f *flags) error {
	var options []string
	new(flags).set().VisitAll(func(g *flag.Flag) {
		dash := "--"
		if len(g.Name) == 1 {
			dash = "-"
		}
		options = append(options, dash+g.Name)
	})
	script, ok := scripts[f.words[0]]
	if !ok {
		return usageError("there is completion for bash, zsh and fish")
	}
	words := slices.Sorted(maps.Keys(verbs()))
	_, err := strings.NewReplacer("@COMMANDS@", strings.Join(words, " "), "@FLAGS@", strings.Join(options, " ")).WriteString(f.out, script)
	return err
}

// scripts complete the command line; @COMMANDS@ and @FLAGS@ are filled in. Ids of
// conversations are asked for, within a second.
var scripts = map[string]string{
	"bash": `# kaiwa completion bash > ~/.local/share/bash-completion/completions/kaiwa
_kaiwa() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	case $prev in
	show | export | rename | rm | -r)
		# compgen expands what it is given: nothing but ids may get there.
		COMPREPLY=($(compgen -W "$(kaiwa ls --timeout 1s 2>/dev/null | cut -d' ' -f1 | grep -xE '[A-Za-z0-9_-]+')" -- "$cur"))
		return ;;
	-f | --ca | --cert | --key) COMPREPLY=($(compgen -f -- "$cur")); return ;;
	--token-as) COMPREPLY=($(compgen -W "header subprotocol" -- "$cur")); return ;;
	--wrap) COMPREPLY=($(compgen -W "kinsoku soft" -- "$cur")); return ;;
	--ambiguous-width) COMPREPLY=($(compgen -W "1 2 auto" -- "$cur")); return ;;
	completion) COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur")); return ;;
	config) COMPREPLY=($(compgen -W "show" -- "$cur")); return ;;
	esac
	case $cur in
	-*) COMPREPLY=($(compgen -W "@FLAGS@" -- "$cur")) ;;
	*) [ "$COMP_CWORD" -eq 1 ] && COMPREPLY=($(compgen -W "@COMMANDS@" -- "$cur")) ;;
	esac
}
complete -F _kaiwa kaiwa
`,
	"zsh": `#compdef kaiwa
# kaiwa completion zsh > ~/.zfunc/_kaiwa, with fpath+=(~/.zfunc) before compinit
_kaiwa() {
	case ${words[CURRENT-1]} in
	show | export | rename | rm | -r)
		compadd -- ${(f)"$(kaiwa ls --timeout 1s 2>/dev/null | cut -d' ' -f1)"}
		return ;;
	-f | --ca | --cert | --key) _files; return ;;
	--token-as) compadd -- header subprotocol; return ;;
	--wrap) compadd -- kinsoku soft; return ;;
	--ambiguous-width) compadd -- 1 2 auto; return ;;
	completion) compadd -- bash zsh fish; return ;;
	config) compadd -- show; return ;;
	esac
	if [[ ${words[CURRENT]} == -* ]]; then
		compadd -- @FLAGS@
	elif (( CURRENT == 2 )); then
		compadd -- @COMMANDS@
	fi
}
if [[ $funcstack[1] == _kaiwa ]]; then _kaiwa "$@"; else compdef _kaiwa kaiwa; fi
`,
	"fish": `# kaiwa completion fish > ~/.config/fish/completions/kaiwa.fish
function __kaiwa_ids
	kaiwa ls --timeout 1s 2>/dev/null | string replace -r '^(\S+)\s+(.*)$' '$1\t$2'
end
complete -c kaiwa -f
complete -c kaiwa -n __fish_use_subcommand -a '@COMMANDS@'
complete -c kaiwa -n '__fish_seen_subcommand_from show export rename rm' -a '(__kaiwa_ids)'
complete -c kaiwa -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
complete -c kaiwa -n '__fish_seen_subcommand_from config' -a show
complete -c kaiwa -n 'string match -q -- "-*" (commandline -ct)' -a '@FLAGS@'
complete -c kaiwa -s r -x -a '(__kaiwa_ids)'
complete -c kaiwa -s f -r -F
complete -c kaiwa -l ca -r -F
complete -c kaiwa -l cert -r -F
complete -c kaiwa -l key -r -F
complete -c kaiwa -l token-as -x -a 'header subprotocol'
complete -c kaiwa -l wrap -x -a 'kinsoku soft'
complete -c kaiwa -l ambiguous-width -x -a '1 2 auto'
`,
}
