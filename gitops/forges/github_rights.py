"""What a token must be allowed at GitHub, as fine-grained tokens and Apps name it, and as classic tokens do."""

from __future__ import annotations

from gitops.forges.rest import Right

METADATA = Right("Metadata: read (every token has it)", "nothing can be asked")
CONTENTS = Right("Contents: read and write (classic: repo)", "no branch is pushed and no proposal is merged")
PULLS = Right(
    "Pull requests: read and write (classic: repo)", "no proposal is opened, revised or closed, and no vote is seen"
)
PERMISSION = Right(
    "Metadata: read, of a user or App that may write (classic: repo)",
    "it is not seen whether reviewers may write, and no vote can be counted",
)
STATUSES = Right(
    "Commit statuses: read and write (classic: repo)", "no status poolplan/plan, so none can be required"
)  # fmt: skip
ADMINISTRATION = Right(
    "Administration: read (classic: repo, by an admin)", "how a branch is protected is not seen, and apply refuses"
)
MEMBERS = Right("Members: read, of the organization (classic: read:org)", "rules that name a team cannot be judged")
RIGHTS = (METADATA, CONTENTS, PULLS, PERMISSION, STATUSES, ADMINISTRATION, MEMBERS)
