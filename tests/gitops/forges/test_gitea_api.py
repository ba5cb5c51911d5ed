"""Gitea's API over the wire: what refusals, pages, redirects and certificates lead to, and that the token stays in."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING

import pytest

from gitops.clock import SystemClock
from gitops.errors import PoolplanError, Stalled, Waiting
from gitops.forges.base import RequestState, RequestText, StatusState
from gitops.forges.gitea import GiteaForge
from gitops.forges.gitea_api import GiteaApi
from gitops.forges.gitea_wire import plain_title
from gitops.forges.rest import Server
from gitops.git.base import BranchName, CommitId
from tests.gitops.forges.scripted import Given, Script, scripted
from tests.gitops.git.tools import MAIN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "7f3c9a1e5b2d8f4a6c0e9b7d1f3a5c8e2b4d6f80"
ROOT = "/api/v1/repos/acme/fleet"
HEAD = CommitId("0123456789" * 4)
PULLS = f"GET {ROOT}/pulls?state=open&base_branch=main&sort=oldest&limit=100&page="


class Token:
    """A token that does not change."""

    def current(self) -> str:
        return TOKEN

    def secrets(self) -> tuple[str, ...]:
        return (TOKEN,)


def forge_at(url: str, *, ca_file: str = "") -> GiteaForge:
    server = Server(url=url, name="git.acme.test/acme/fleet", ca_file=ca_file)
    return GiteaForge(GiteaApi(server, Token(), SystemClock()), "acme/fleet")


def pull(number: int, **fields: object) -> dict[str, object]:
    """A pull request as Gitea words it."""
    side = {"label": "main", "ref": "main", "sha": HEAD, "repo_id": 1, "repo": {"allow_merge_commits": True}}
    return {
        "number": number, "html_url": f"https://git.acme.test/acme/fleet/pulls/{number}", "state": "open", "title": "Grow",
        "body": "It", "user": {"login": "poolplan"}, "base": side, "head": {**side, "label": "poolplan/prod/up"},
        "created_at": "2026-03-01T12:00:00+01:00", "labels": None, "merged": False, **fields,
    }  # fmt: skip


def page(*pulls: dict[str, object], total: int) -> Given:
    return Given(body=json.dumps(pulls), headers={"X-Total-Count": str(total)})


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted() as running:
        yield running


@pytest.fixture
def forge(script: Script) -> GiteaForge:
    return forge_at(script.url)


def everything(error: BaseException) -> str:
    """All that a traceback, a log or a debugger of exceptions would show."""
    chain, seen = [*traceback.format_exception(error)], error
    while seen is not None:
        chain += [repr(seen), repr(vars(seen)), *map(repr, seen.args)]
        seen = seen.__cause__ or seen.__context__
    return "".join(chain)


# What a failure means


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (Given(401, '{"message": "user does not exist"}'), Stalled, "refuses the token"),
        (Given(403, '{"message": "token does not have scope"}'), Stalled, "the token needs the scope write:repository"),
        (Given(404, '{"message": "not found"}'), Stalled, "knows nothing at GET /repos/acme/fleet/pulls/1"),
        (Given(409, '{"message": "already changed"}'), Waiting, "met a change by somebody else: already changed"),
        (Given(412, '{"message": "merged already"}'), Stalled, r"\(412\): merged already"),
        (Given(422, '{"message": "no such user"}'), Stalled, r"\(422\): no such user"),
        (Given(423, '{"message": "archived"}'), Stalled, r"\(423\): archived"),
        (Given(429, "", {"Retry-After": "17"}), Waiting, "try again in 17 s"),
        (Given(500, '{"message": "oh"}'), Waiting, r"failed at GET .* \(500\)"),
        (Given(502, "<html>bad gateway</html>"), Waiting, r"\(502\); try again later"),
        (Given(503, "", {"Retry-After": "30"}), Waiting, r"\(503\)"),
        (Given(200, "<html>sign in</html>"), Waiting, "no JSON"),
        (Given(200, '{"number": "one"}'), Stalled, "not what the API's documentation says"),
        (Given(0), Waiting, "does not answer GET"),
    ],
)
def test_a_failure_is_told_as_what_to_do(
    script: Script, forge: GiteaForge, given: Given, kind: type[PoolplanError], words: str
) -> None:
    script.answers[f"GET {ROOT}/pulls/1"] = given
    with pytest.raises(kind, match=words) as caught:
        forge.get(1)
    assert TOKEN not in everything(caught.value)
    if "Retry-After" in given.headers:
        assert isinstance(caught.value, Waiting)
        assert caught.value.retry_after == float(given.headers["Retry-After"])


def test_a_server_that_repeats_the_token_does_not_show_it(script: Script, forge: GiteaForge) -> None:
    script.answers[f"GET {ROOT}/pulls/1"] = Given(422, json.dumps({"message": f"bad header: token {TOKEN}"}))
    with pytest.raises(Stalled, match=r"bad header") as caught:
        forge.get(1)
    assert TOKEN not in everything(caught.value)


def test_the_token_is_in_the_header_alone(script: Script, forge: GiteaForge) -> None:
    script.answers["GET /api/v1/user"] = Given(body='{"login": "poolplan"}')
    assert forge.me() == "poolplan"
    assert forge.me() == "poolplan"
    assert script.asked == ["GET /api/v1/user"]
    assert script.headers[0]["authorization"] == f"token {TOKEN}"
    assert TOKEN not in repr(forge.__dict__)


def test_a_netrc_of_this_machine_is_not_asked(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login mallory password wrong\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    script.answers["GET /api/v1/user"] = Given(body='{"login": "poolplan"}')
    assert forge_at(script.url).me() == "poolplan"
    assert script.headers[0]["authorization"] == f"token {TOKEN}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(script: Script, forge: GiteaForge, status: int) -> None:
    with scripted() as elsewhere:
        script.answers[f"GET {ROOT}/pulls/1"] = Given(status, "", {"Location": f"{elsewhere.url}/steal"})
        with pytest.raises(Stalled, match=r"elsewhere .* correct spec\.forge\.url"):
            forge.get(1)
        assert elsewhere.asked == []


def test_a_certificate_must_be_trusted(tmp_path: Path) -> None:
    certificate = tmp_path / "own.pem"
    with scripted(certificate=certificate) as script:
        script.answers["GET /api/v1/user"] = Given(body='{"login": "poolplan"}')
        with pytest.raises(Stalled, match=r"certificate is not trusted .* set spec\.forge\.caFile") as caught:
            forge_at(script.url).me()
        assert script.asked == []
        assert TOKEN not in everything(caught.value)
        assert forge_at(script.url, ca_file=str(certificate)).me() == "poolplan"


def test_nobody_there_is_worth_another_try() -> None:
    with pytest.raises(Waiting, match=r"git\.acme\.test/acme/fleet does not answer GET /user") as caught:
        forge_at("http://127.0.0.1:1").me()
    assert TOKEN not in everything(caught.value)


@pytest.mark.parametrize("end", ["", "/", "/api/v1", "/api/v1/"])
def test_an_address_may_name_the_api(script: Script, end: str) -> None:
    script.answers["GET /api/v1/user"] = Given(body='{"login": "poolplan"}')
    assert forge_at(script.url + end).me() == "poolplan"


# Pages


def test_a_short_list_is_one_call(script: Script, forge: GiteaForge) -> None:
    script.answers[f"{PULLS}1"] = page(pull(2), pull(1), total=2)
    assert [one.number for one in forge.open_requests(MAIN)] == [1, 2]
    assert len(script.asked) == 1


def test_a_server_with_small_pages_is_asked_until_the_end(script: Script, forge: GiteaForge) -> None:
    script.answers |= {
        "GET /api/v1/settings/api": Given(body='{"max_response_items": 2}'),
        f"{PULLS}1": page(pull(1), pull(2), total=5), f"{PULLS}2": page(pull(3), total=5),
        f"{PULLS}3": page(pull(5), total=5),
    }  # fmt: skip
    assert [one.number for one in forge.open_requests(MAIN)] == [1, 2, 3, 5]


def test_a_list_that_changes_while_it_is_read_is_none(script: Script, forge: GiteaForge) -> None:
    script.answers |= {
        "GET /api/v1/settings/api": Given(body='{"max_response_items": 2}'),
        f"{PULLS}1": page(pull(1), pull(2), total=4), f"{PULLS}2": page(pull(4), total=3),
    }  # fmt: skip
    with pytest.raises(Waiting, match="changed while it was read"):
        forge.open_requests(MAIN)


def test_half_a_list_is_none(script: Script, forge: GiteaForge) -> None:
    script.answers |= {
        "GET /api/v1/settings/api": Given(body='{"max_response_items": 2}'),
        f"{PULLS}1": page(pull(1), pull(2), total=4), f"{PULLS}2": Given(502, ""),
    }  # fmt: skip
    with pytest.raises(Waiting):
        forge.open_requests(MAIN)


def test_a_list_without_its_length_is_none(script: Script, forge: GiteaForge) -> None:
    script.answers[f"{PULLS}1"] = Given(body="[]")
    with pytest.raises(Stalled, match="X-Total-Count"):
        forge.open_requests(MAIN)


def test_an_endless_list_is_left(script: Script, forge: GiteaForge) -> None:
    script.answers |= {
        "GET /api/v1/settings/api": Given(body='{"max_response_items": 1}'),
        f"GET {ROOT}/pulls": page(pull(1), total=10**6),
    }  # fmt: skip
    with pytest.raises(Stalled, match="pages; poolplan stops there"):
        forge.open_requests(MAIN)


# What Gitea says in a way of its own


def test_what_is_missing_may_be_null(script: Script, forge: GiteaForge) -> None:
    fields = {"labels": None, "assignees": None, "requested_reviewers": None, "user": None}
    script.answers[f"GET {ROOT}/pulls/1"] = Given(body=json.dumps(pull(1, **fields)))
    found = forge.get(1)
    assert (found.author, found.labels, found.created_at.isoformat()) == ("Ghost", (), "2026-03-01T11:00:00+00:00")


def test_a_fork_that_was_deleted_is_a_fork(script: Script, forge: GiteaForge) -> None:
    gone = {"label": "poolplan/prod/up", "ref": "refs/pull/1/head", "sha": HEAD, "repo_id": -1, "repo": None}
    script.answers[f"GET {ROOT}/pulls/1"] = Given(body=json.dumps(pull(1, head=gone)))
    assert forge.get(1).fork


@pytest.mark.parametrize(
    ("reviews", "counted"),
    [
        (
            [
                ("ada", "APPROVED", HEAD),
                ("ada", "COMMENT", HEAD),
                ("ada", "PENDING", ""),
                ("ada", "REQUEST_REVIEW", ""),
            ],
            1,
        ),
        ([("Ghost", "APPROVED", HEAD)], 0),
        ([("Ghost", "REQUEST_CHANGES", HEAD)], 0),
        ([("stranger", "APPROVED", HEAD)], 0),
        ([("stranger", "REQUEST_CHANGES", HEAD)], 0),
        ([("ada", "REQUEST_CHANGES", HEAD)], 1),
        ([("ada", "APPROVED", "")], 0),
        ([("ada", "SOMETHING_NEW", HEAD)], 0),
    ],
)
def test_only_a_known_person_s_word_on_a_commit_counts(
    script: Script, forge: GiteaForge, reviews: list[tuple[str, str, str]], counted: int
) -> None:
    given = [
        {
            "user": {"login": who},
            "state": state,
            "commit_id": commit,
            "submitted_at": "2026-03-01T12:00:00Z",
            "official": who != "stranger",
        }
        for who, state, commit in reviews
    ]  # fmt: skip
    script.answers[f"GET {ROOT}/pulls/1/reviews"] = Given(
        body=json.dumps(given), headers={"X-Total-Count": str(len(given))}
    )
    assert sum(vote.commit is not None and vote.stands for vote in forge.votes(1)) == counted


@pytest.mark.parametrize(
    ("state", "asked", "shown"),
    [
        ("APPROVED", True, (True, True)),
        ("APPROVED", False, (False, False)),
        ("REQUEST_CHANGES", True, (True, False)),
        ("REQUEST_CHANGES", False, (False, False)),
    ],
)
def test_asking_again_ends_an_approval_and_no_objection(
    script: Script, forge: GiteaForge, state: str, asked: bool, shown: tuple[bool, bool]
) -> None:
    """``official`` is then no longer the review's, but the request's, where it is one of who may write."""
    said = {"user": {"login": "ada"}, "commit_id": HEAD, "submitted_at": "2026-03-01T12:00:00Z"}
    given = [{**said, "state": state, "official": False}, {**said, "state": "REQUEST_REVIEW", "official": asked}]
    script.answers[f"GET {ROOT}/pulls/1/reviews"] = Given(body=json.dumps(given), headers={"X-Total-Count": "2"})
    (vote,) = forge.votes(1)
    assert (vote.writes, vote.dismissed) == shown


@pytest.mark.parametrize(
    ("pages", "who"),
    [
        (['[{"type": "comment"}]', '[{"type": "reopen"}, {"type": "close", "user": {"login": "ada"}}]'], "ada"),
        (['[{"type": "close", "user": null}]'], "Ghost"),
        (['[{"type": "comment"}]', "null"], ""),
        (["[]"], ""),
    ],
)
def test_who_closed_it_is_looked_for_to_the_end(script: Script, forge: GiteaForge, pages: list[str], who: str) -> None:
    closed = pull(1, state="closed", closed_at="2026-03-01T12:00:00Z")
    script.answers |= {
        f"GET {ROOT}/pulls/1": Given(body=json.dumps(closed)),
        f"GET {ROOT}/issues/1/timeline": [Given(body=page) for page in pages],
    }
    assert forge.get(1).ended_by == who
    assert "since=2026-03-01T11%3A59%3A59%2B00%3A00" in script.asked[1]


def test_a_merge_that_is_not_allowed_needs_a_person(script: Script, forge: GiteaForge) -> None:
    script.answers |= {
        f"GET {ROOT}/pulls/1": Given(body=json.dumps(pull(1))),
        f"POST {ROOT}/pulls/1/merge": Given(405, '{"message": "User not allowed to merge PR"}'),
    }
    with pytest.raises(Stalled, match="no right to merge request 1"):
        forge.merge(1, head=HEAD, message="Grow")


@pytest.mark.parametrize(
    ("allowed", "method"),
    [
        ({"allow_merge_commits": True, "allow_squash_merge": True, "allow_rebase": True}, "merge"),
        ({"allow_merge_commits": False, "allow_squash_merge": True, "allow_rebase": True}, "squash"),
        ({"allow_merge_commits": False, "allow_squash_merge": False, "allow_rebase": True}, "rebase"),
    ],
)
def test_a_merge_is_one_that_the_repository_allows(
    script: Script, forge: GiteaForge, allowed: dict[str, bool], method: str
) -> None:
    base = {"label": "main", "repo_id": 1, "repo": allowed}
    done = pull(1, state="closed", merged=True, merge_commit_sha=HEAD, merged_at="2026-03-01T12:00:00Z")
    script.answers |= {
        f"GET {ROOT}/pulls/1": [Given(body=json.dumps(pull(1, base=base))), Given(body=json.dumps(done))],
        f"POST {ROOT}/pulls/1/merge": Given(body=""),
    }
    forge.merge(1, head=HEAD, message="Grow\n\nPoolplan-Digest: sha256:aa")
    assert json.loads(script.bodies[1]) == {
        "Do": method, "head_commit_id": HEAD, "MergeTitleField": "Grow",
        "MergeMessageField": "Poolplan-Digest: sha256:aa",
    }  # fmt: skip


def test_a_merge_whose_answer_was_lost_is_found_done(script: Script, forge: GiteaForge) -> None:
    done = pull(1, state="closed", merged=True, merge_commit_sha=HEAD, merged_at="2026-03-01T12:00:00Z")
    script.answers |= {
        f"GET {ROOT}/pulls/1": [Given(body=json.dumps(pull(1))), Given(body=json.dumps(done))],
        f"POST {ROOT}/pulls/1/merge": Given(405, '{"message": "The PR is already merged"}'),
    }
    assert forge.merge(1, head=HEAD, message="Grow") == HEAD


def test_a_request_that_stands_already_is_found(script: Script, forge: GiteaForge) -> None:
    branch = BranchName("poolplan/prod/up")
    script.answers |= {
        f"POST {ROOT}/pulls": Given(409, '{"message": "pull request already exists"}'),
        f"GET {ROOT}/pulls/main/poolplan/prod/up": Given(body=json.dumps(pull(3, state="closed"))),
        f"GET {ROOT}/pulls": page(pull(9), pull(3, state="closed"), total=2),
    }
    found = forge.open(RequestText(title="Grow", body="It"), branch=branch, base=MAIN)
    assert (found.number, found.state) == (9, RequestState.OPEN)


def test_a_status_that_is_there_is_not_given_again(script: Script, forge: GiteaForge) -> None:
    status = {"context": "poolplan/plan", "status": "success", "description": "d" * 140, "target_url": ""}
    path = f"{ROOT}/commits/{HEAD}/status"
    script.answers |= {
        f"GET {path}": [Given(body='{"statuses": null}'), Given(body=json.dumps({"statuses": [status]}))],
        f"POST {ROOT}/statuses/{HEAD}": Given(201),
    }
    for _ in range(2):
        forge.set_status(HEAD, StatusState.SUCCESS, "d" * 200)
    assert [call.partition(" ")[0] for call in script.asked] == ["GET", "POST", "GET"]


def test_names_cannot_leave_their_part_of_a_path(script: Script, forge: GiteaForge) -> None:
    script.answers[f"GET {ROOT}"] = Given()
    assert forge.newest(BranchName("a/b#c?d%2F"), BranchName("release/1")) is None
    assert script.asked[0] == f"GET {ROOT}/pulls/release%2F1/a/b%23c%3Fd%252F"


def test_a_repository_that_is_not_there_has_no_unprotected_branch(forge: GiteaForge) -> None:
    with pytest.raises(Stalled, match="knows nothing at GET /repos/acme/fleet"):
        forge.protection(MAIN)
    with pytest.raises(Stalled, match="knows nothing at GET /repos/acme/fleet"):
        forge.newest(BranchName("x"), MAIN)


@pytest.mark.parametrize(
    ("title", "plain"),
    [("WIP: Grow", "Grow"), ("wip:Grow", "Grow"), ("[WIP] Grow", "Grow"), ("Grow", "Grow"), ("WIPs: 2", "WIPs: 2")],
)
def test_a_draft_s_title_is_shown_without_its_prefix(title: str, plain: str) -> None:
    assert plain_title(title) == plain
