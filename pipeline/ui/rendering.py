"""Templates: where they are, what they all can use, and how a page is made of one."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse

from pipeline import texts
from pipeline.ui.context import Context
from pipeline.ui.security import TOKEN_FIELD

#: Directory of this package.
PLACE = Path(__file__).parent

_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader([PLACE / "templates", PLACE / "what_if" / "templates"]),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(texts.FILTERS)

#: Addresses and names of the parts of the app.
_PARTS = (
    ("/", "Runs"),
    ("/artifacts", "Artifacts"),
    ("/models", "Models"),
    ("/trials", "Trials"),
    ("/monitoring", "Monitoring"),
    *((("/what-if", "What-If"),) if importlib.util.find_spec("pipeline.ui.what_if.routes") else ()),
)


def render(
    request: Request, template: str, values: Mapping[str, Any], *, status: int = 200
) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    request : Request
    template : str
        Name of a file below ``templates``. It extends ``base.html``, whose blocks are ``title``,
        ``head`` (more style sheets and scripts) and ``content``, which begins with an ``<h1>``.
    values : mapping
        Variables of the template, besides those of every page: ``context``, ``path``, ``parts``
        and the token of forms, ``csrf_token``.
    status : int
    """
    return HTMLResponse(fragment(request, template, values), status)


def fragment(request: Request, template: str, values: Mapping[str, Any]) -> str:
    """Return what a template makes of the values of every page, and of its own."""
    context = Context.of(request)
    return _environment.get_template(template).render(
        context=context,
        path=request.url.path,
        parts=_PARTS,
        csrf_field=TOKEN_FIELD,
        csrf_token=context.token,
        **values,
    )
