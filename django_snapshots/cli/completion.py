"""The verb `completion`: scripts for bash and zsh, made by shtab from the parser, and the words that they ask for."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from django.core.management.base import CommandError, CommandParser

from django_snapshots.cli.parser import add_verbs
from django_snapshots.cli.session import EXIT_FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django_snapshots.cli.session import Session

__all__ = ["completion"]

_FUNCTIONS = {"NAME": "_snapshots_names", "ALIAS": "_snapshots_databases", "ARTIFACT": "_snapshots_artifacts"}
"""What completes an argument, by its metavar. A function asks the project itself: names change every night."""

_BASH_BEFORE = """\
# The words before "snapshots", such as: python manage.py
_snapshots_command=(python manage.py)
_snapshots_words() {
  compgen -W "$("${_snapshots_command[@]}" snapshots completion "$1" 2>/dev/null)" -- "$2"
}
_snapshots_names() { _snapshots_words names "$1"; }
_snapshots_names_or_latest() { _snapshots_words names "$1"; compgen -W latest -- "$1"; }
_snapshots_databases() { _snapshots_words databases "$1"; }
_snapshots_artifacts() { _snapshots_words artifacts "$1"; }
"""
_BASH_AFTER = """
# "manage.py snapshots …", also behind python; for anything else, what completed the program before.
declare -A _snapshots_before
_snapshots_manage() {
  local at before
  for (( at = 1; at < COMP_CWORD; at++ )); do
    if [[ ${COMP_WORDS[at]} == snapshots && ${COMP_WORDS[at - 1]##*/} =~ ^(manage\\.py|django-admin)$ ]]; then
      _snapshots_command=("${COMP_WORDS[@]:0:at}")
      COMP_WORDS=("${COMP_WORDS[@]:at}")
      (( COMP_CWORD -= at ))
      _shtab_snapshots
      return
    fi
  done
  before=${_snapshots_before[${1##*/}]:-}
  if [[ -n $before ]]; then "$before" "$@"; fi
}
for _snapshots_program in manage.py django-admin python python3; do
  if [[ $(complete -p "$_snapshots_program" 2>/dev/null) =~ -F\\ ([^ ]+) ]]; then
    [[ ${BASH_REMATCH[1]} == _snapshots_manage ]] || _snapshots_before[$_snapshots_program]=${BASH_REMATCH[1]}
  fi
  complete -o bashdefault -o default -F _snapshots_manage "$_snapshots_program"
done
unset _snapshots_program
"""
_ZSH_BEFORE = """\
_snapshots_command=(python manage.py)
_snapshots_words() {
  local -a found
  found=(${(f)"$(${_snapshots_command[@]} snapshots completion $1 2>/dev/null)"})
  compadd -a found
}
_snapshots_names() { _snapshots_words names }
_snapshots_names_or_latest() { _snapshots_words names; compadd latest }
_snapshots_databases() { _snapshots_words databases }
_snapshots_artifacts() { _snapshots_words artifacts }
"""
_ZSH_AFTER = """
# "manage.py snapshots …", also behind python; for anything else, what completed the program before.
typeset -gA _snapshots_before
_snapshots_manage() {
  local at
  for (( at = 2; at < CURRENT; at++ )); do
    if [[ $words[at] == snapshots && ${words[at - 1]:t} == (manage.py|django-admin) ]]; then
      _snapshots_command=("${(@)words[1,at - 1]}")
      words=("${(@)words[at,-1]}")
      (( CURRENT -= at - 1 ))
      _shtab_snapshots
      return
    fi
  done
  ${_snapshots_before[${service:t}]:-_default} "$@"
}
for _snapshots_program in manage.py django-admin python python3; do
  if [[ ${_comps[$_snapshots_program]:-_snapshots_manage} != _snapshots_manage ]]; then
    _snapshots_before[$_snapshots_program]=$_comps[$_snapshots_program]
  fi
  compdef _snapshots_manage $_snapshots_program
done
unset _snapshots_program
"""
_AROUND = {"bash": (_BASH_BEFORE, _BASH_AFTER), "zsh": (_ZSH_BEFORE, _ZSH_AFTER)}


def completion(session: Session) -> None:
    """Print the script of a shell, or the words that can stand somewhere, one a line.

    Raises:
        CommandError: shtab is not installed.
    """
    what = session.options["what"]
    text = _script(what) if what in _AROUND else "\n".join(_words(what))
    session.finish({"what": what, "text": text}, lambda: text)


def _script(shell: str) -> str:
    try:
        import shtab  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise CommandError(
            "The scripts are made by shtab: pip install 'django-snapshots[completion]'.", returncode=EXIT_FAILED
        ) from error
    parser = CommandParser(prog="snapshots", add_help=False)
    add_verbs(parser, lambda _message: None)
    for action in _actions(parser):
        function = _FUNCTIONS.get(str(action.metavar).partition("[")[0])  # "ALIAS[=OTHER]" begins with an alias
        if function is not None:
            latest = "_or_latest" if "latest" in (action.help or "") else ""
            action.complete = {shell: function + latest}  # type: ignore[attr-defined] # how shtab is told
        elif action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    before, after = _AROUND[shell]
    script: str = shtab.complete(parser, shell, root_prefix="snapshots", preamble={shell: before})  # type: ignore[arg-type]
    return script + after


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them, shtab does the same
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for verb in action.choices.values():
                yield from _actions(verb)
        else:
            yield action


def _words(what: str) -> list[str]:
    from django_snapshots.project import Project  # noqa: PLC0415 - the scripts need neither engine nor valid settings

    project = Project()
    if what == "names":
        return [snapshot.name for snapshot in project.list_snapshots()]
    artifacts = list(project.artifacts)
    databases = [name.partition("/")[2] for name in artifacts if name.startswith("database/")]
    return databases if what == "databases" else [*(["database"] if databases else []), *artifacts]
