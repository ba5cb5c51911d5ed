"""The account and the project that a sandbox plays: who asks, and what belongs to them. Nothing here ever changes."""

from __future__ import annotations

from gitops.sandbox.answers import CREATED_AT, Json
from gitops.sandbox.settings import PROJECT

ACCOUNT = "sandbox-ovh"
SUBSIDIARY = "FR"
METHODS = ("GET", "POST", "PUT", "DELETE")


def me_body() -> Json:
    """The customer, as GET /me shows it. The subsidiary decides the catalog's currency."""
    return {
        "address": None, "area": None, "birthCity": None, "birthDay": None, "city": None,
        "companyNationalIdentificationNumber": None, "corporationType": None, "country": "FR",
        "currency": {"code": "EUR", "symbol": "€"}, "customerCode": None, "email": "sandbox@example.com", "fax": None,
        "firstname": "Sandbox", "italianSDI": None, "language": "fr_FR", "legalform": "individual", "name": "Sandbox",
        "nationalIdentificationNumber": None, "nichandle": ACCOUNT, "organisation": None, "ovhCompany": "ovh",
        "ovhSubsidiary": SUBSIDIARY, "phone": None, "phoneCountry": None, "sex": None, "spareEmail": None,
        "state": "complete", "vat": None, "zip": None,
    }


def auth_details_body() -> Json:
    """Who is asking and what they may do. terraform-provider-ovh asks this at its start."""
    return {
        "account": ACCOUNT,
        "allowedRoutes": _rules(),
        "description": "",
        "identities": [f"urn:v1:eu:identity:account:{ACCOUNT}"],
        "method": "account",
        "roles": ["ADMIN"],
        "user": None,
    }


def credential_body(last_use: str) -> Json:
    """The consumer key in use and its rights."""
    return {
        "allowedIPs": None, "applicationId": 1, "creation": CREATED_AT, "credentialId": 1, "expiration": None,
        "lastUse": last_use, "ovhSupport": False, "rules": _rules(), "status": "validated",
    }


def project_body() -> Json:
    """The one Public Cloud project of a sandbox."""
    return {
        "access": "full", "creationDate": CREATED_AT, "description": "poolplan sandbox", "expiration": None,
        "manualQuota": False, "orderId": None, "planCode": "project.2018", "projectName": "poolplan sandbox",
        "project_id": PROJECT, "status": "ok", "unleash": False,
    }


def _rules() -> list[dict[str, str]]:
    return [{"method": method, "path": "/*"} for method in METHODS]
