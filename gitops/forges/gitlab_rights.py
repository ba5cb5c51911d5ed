"""What a token must be allowed at GitLab: its scope, and the role of whom it belongs to."""

from __future__ import annotations

from gitops.forges.rest import Right

API = Right(
    "the scope api and the role Developer in the project",
    "no proposal is opened, revised or closed, no vote is seen and no status poolplan/plan is given",
)
MERGE = Right(
    "a role that the protected branch allows to merge (Maintainer, or Developers + Maintainers)",
    "proposals do not merge themselves; people do it",
)
PROTECTION = Right(
    "the scope api and the role Maintainer in the project", "how a branch is protected is not seen, and apply refuses"
)
GROUP = Right(
    "read access to the group: its user is a member, or it is a token of that group or one above",
    "rules that name a group cannot be judged",
)
RIGHTS = (API, MERGE, PROTECTION, GROUP)
