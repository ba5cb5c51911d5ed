"""The errors that the sandbox answers with, in the shape of the OVH API: an HTTP status, a class and a message."""

from __future__ import annotations

from http import HTTPStatus

CLASSES = {
    400: "Client::BadRequest",
    403: "Client::Forbidden",
    404: "Client::NotFound",
    405: "Client::MethodNotAllowed",
    409: "Client::Conflict",
    412: "Client::PreconditionFailed",
    429: "Client::TooManyRequests",
}


class ApiError(Exception):
    """An answer that is not a success. ``error_code`` goes with a rejected caller, as in the API."""

    def __init__(self, status: int, message: str, *, error_code: str = "", error_class: str = "") -> None:
        self.status = status
        self.message = message
        self.error_code = error_code
        self.error_class = error_class or CLASSES.get(status, "Server::InternalServerError")
        super().__init__(f"{status} {self.error_class}: {message}")

    def body(self) -> dict[str, object]:
        """The object the API sends."""
        body: dict[str, object] = {"class": self.error_class, "message": self.message}
        if self.error_code:
            body["errorCode"] = self.error_code
            body["httpCode"] = f"{self.status} {HTTPStatus(self.status).phrase}"
        return body


def missing_object(kind: str, name: str) -> ApiError:
    """The 404 for an object that does not exist."""
    return ApiError(404, f"The requested object ({kind} {name}) does not exist")


def missing_route() -> ApiError:
    """The 404 for a path that the API does not know."""
    return ApiError(404, "Got an invalid (or empty) URL")
