"""Standard Webhooks: the published vectors, and the published library against ours, both ways."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from services.kit.clock import SystemClock
from services.kit.webhooks import BadSignature, sign, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE = "msg_p5jXN8AQM9LWM0D4loKWxJek"
BODY = b'{"test": 2432232314}'
AT = datetime.fromtimestamp(1614265330, UTC)
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
GOOD = {"webhook-id": MESSAGE, "webhook-timestamp": "1614265330", "webhook-signature": SIGNATURE}
pytestmark = pytest.mark.covers("EVT-6")


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_")])
def test_the_published_vector(secret: str):
    assert sign(secret, MESSAGE, AT, BODY) == SIGNATURE
    assert verify(secret, GOOD, BODY, now=AT) == MESSAGE


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-signature": " ".join([OTHER, OTHER.replace("v1", "v2"), SIGNATURE, OTHER])},
        {"webhook-signature": f"v1,not-base64 {SIGNATURE}"},
    ],
)
def test_one_good_signature_among_several_is_enough(changes: dict[str, str]):
    assert verify(SECRET, {k.title(): v for k, v in (GOOD | changes).items()}, BODY, now=AT) == MESSAGE


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-id": ""},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "hello"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-timestamp": "1614265331"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1"},
        {"webhook-signature": SIGNATURE.replace("v1", "v2")},
        {"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA="},
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, str]):
    with pytest.raises(BadSignature):
        verify(SECRET, GOOD | changes, BODY, now=AT)


def test_another_body_and_another_time_are_refused():
    with pytest.raises(BadSignature, match="does not fit"):
        verify(SECRET, GOOD, BODY + b" ", now=AT)
    for late in (timedelta(minutes=5, seconds=1), -timedelta(minutes=5, seconds=1)):
        with pytest.raises(BadSignature, match="five minutes"):
            verify(SECRET, GOOD, BODY, now=AT + late)
    assert verify(SECRET, GOOD, BODY, now=AT + timedelta(minutes=5)) == MESSAGE


def test_the_published_library_accepts_ours_and_we_accept_its():
    now = SystemClock().now()
    stamp = str(int(now.timestamp()))
    ours = {
        "webhook-id": "m1",
        "webhook-timestamp": stamp,
        "webhook-signature": sign(SECRET, "m1", now, BODY),
    }
    assert Webhook(SECRET).verify(BODY, ours) == {"test": 2432232314}
    theirs = ours | {"webhook-signature": Webhook(SECRET).sign("m1", now, BODY.decode())}
    assert verify(SECRET, theirs, BODY, now=now) == "m1"
