"""Open EdX's platform side (lti-consumer-xblock, AGPL), run by the tests in a process of its own.

Reads a JSON list of what is asked (issuer, addresses, nonce, role …) from standard input; writes a
list of what the package answers: key set and id_token. Imports nothing of ours, and nothing of ours
imports it.
"""

import json
import sys
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

settings.configure(
    PLATFORM_NAME="Open edX in a test",
    USE_TZ=True,
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
)

from lti_consumer.lti_1p3.consumer import LtiAdvantageConsumer  # noqa: E402


def answered(asked: dict[str, Any]) -> dict[str, Any]:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    consumer = LtiAdvantageConsumer(
        iss=asked["issuer"],
        lti_oidc_url=asked["login_url"],
        lti_launch_url=asked["launch_url"],
        client_id=asked["client_id"],
        deployment_id=asked["deployment_id"],
        rsa_key=pem.decode(),
        rsa_key_id="open-edx-key",
        redirect_uris=[asked["launch_url"]],
    )
    consumer.set_user_data(user_id="edx-user-7", role=asked["role"], full_name=asked.get("name"))
    consumer.set_resource_link_claim("block-v1:lti+block@7", title="AI fluency")
    consumer.set_context_claim("course-v1:Region+AI+2026", context_title="AI for public servants")
    consumer.set_launch_presentation_claim("iframe")
    consumer.set_custom_parameters({"achievement": "ai-fluency-1"})
    consumer.enable_ags(
        lineitems_url=f"{asked['issuer']}/lineitems",
        lineitem_url=f"{asked['issuer']}/lineitems/7",
    )
    preflight = {
        "redirect_uri": asked["launch_url"],
        "client_id": asked["client_id"],
        "nonce": asked["nonce"],
        "state": "state",
        "lti_message_hint": "none",
    }
    answer = consumer.generate_launch_request(preflight)
    return {"key_set": consumer.get_public_keyset(), "id_token": answer["id_token"]}


if __name__ == "__main__":
    json.dump([answered(asked) for asked in json.load(sys.stdin)], sys.stdout)
