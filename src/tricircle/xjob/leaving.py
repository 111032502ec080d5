"""Has a job take out of its site what nothing there needs any more; see `tricircle.realise.leaving`."""

from tricircle.realise import leaving
from tricircle.realise.definition import Definition
from tricircle.realise.leaving import Note, Question
from tricircle.xjob.task import Task


def take_out(task: Task, *definitions: Definition, is_asked_for: Question, note: Note) -> bool:
    """Take things out of the task's site, all or none of them; return whether they are gone."""
    engine = task.engine
    return leaving.take_out(
        engine.database,
        engine.replicas.realiser,
        definitions,
        task.site,
        is_asked_for=is_asked_for,
        note=note,
        step=task.step,
    )
