"""Virtual registrars, and recorded sessions played again."""

from __future__ import annotations

import argparse

from drivers.cli.device import lock_keys, unlock_key
from drivers.cli.saying import DONE, REJECTED, say


def emulate(options: argparse.Namespace) -> int:
    from drivers.emulation.command import serve

    settings = dict(item.partition("=")[::2] for item in options.option)
    return serve(
        options.scheme,
        link=options.link,
        port=options.port,
        state=options.state,
        tape=options.tape,
        faults=options.faults,
        options=settings,
        as_json=options.json,
    )


def replay(options: argparse.Namespace) -> int:
    from drivers import replay

    session = replay.load(options.recording)
    if options.emulator is None:
        report = replay.against_recording(session)
    else:
        from drivers.emulation.command import running
        from drivers.registry import connect

        settings = dict(item.partition("=")[::2] for item in options.option)
        with running(options.emulator, settings) as url:
            registrar = connect(url, record=False)
            unlock_key(options, url)
            report = replay.against_device(session, registrar)
            registrar.close()
            lock_keys()
    lines = [
        f"{'same' if not outcome.difference else 'DIFFERS'}  {outcome.call}"
        + (f"\n    {outcome.difference}" if outcome.difference else "")
        for outcome in report.outcomes
    ]
    if report.note:
        lines.append(report.note)
    if report.diverged:
        lines.append(f"DIVERGED  {report.diverged}")
    lines.append(
        f"{len(report.outcomes)} calls, {report.sent} bytes asked alike: {'same' if report.same else 'NOT the same'}"
    )
    say(options, {"same": report.same, "report": report}, "\n".join(lines))
    return DONE if report.same else REJECTED
