"""An LMS for demo and tests: the platform side of LTI 1.3 by the package `lti1p3platform`.

The package makes and signs the messages, gives out access tokens and serves AGS; storage, HTTP and
pages are here. What it lacks, and what is done about it here:

- its claims have no locale: given as an extra claim;
- a token request's assertion is checked for its signature only: its issuer, subject, audience,
  expiry and single use are checked here (RFC 7523 section 3);
- the authorization request's `redirect_uri`, `login_hint` and `lti_message_hint` are taken
  unlooked: checked here;
- an expired or foreign access token raises PyJWT's error: answered with 401 here;
- one configuration serves one tool: here one is made for each.

This package is no part of the product: nothing there imports it.
"""
