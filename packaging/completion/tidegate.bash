# bash completion for tidegate; install as /usr/share/bash-completion/completions/tidegate
_tidegate() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command=run word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in run|validate|explain|echo|healthcheck|version) command=$word; break ;; esac
  done
  case $previous in
    --config|--access-log) mapfile -t COMPREPLY < <(compgen -f -- "$current"); return ;;
    --log-level) mapfile -t COMPREPLY < <(compgen -W "trace debug info warning error critical off" -- "$current"); return ;;
    --log-format|--format) mapfile -t COMPREPLY < <(compgen -W "text json" -- "$current"); return ;;
  esac
  local options="--help"
  case $command in
    run) options+=" --config --gateway --controller-name --global-policy-namespace --bind-address --address-pool --port-offset --admin-address
      --readiness-address --metrics-address --workers --log-level --log-format --drain-timeout --access-log
      --access-log-format --memory-limit --max-connections --strict --admin-read-only" ;;
    validate) options+=" --controller-name" ;;
    explain) options+=" --config --header --gateway --format --controller-name" ;;
    echo) options+=" --address" ;;
    healthcheck) options+=" --readiness-address" ;;
  esac
  if [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  elif [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "run validate explain echo healthcheck version" -- "$current")
  elif [ "$command" = explain ]; then
    mapfile -t COMPREPLY < <(compgen -W "GET POST PUT DELETE http:// https://" -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _tidegate tidegate
