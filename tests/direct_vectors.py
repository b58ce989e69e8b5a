"""The test vectors of messages to one person, made from fixed inputs."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from p2pchat.core.direct_frames import KeyAnswer, NoWay, Packet, Receipt
from p2pchat.core.direct_values import (
    SEALING_REQUEST,
    SUITE,
    Inside,
    Outside,
    SealingKey,
    SealingKeyRecord,
    SealingRequest,
    SignedInside,
    packet_id,
)
from p2pchat.core.presence import PRESENCE, Doing, Here
from p2pchat.core.values import Epoch, Kind
from p2pchat.crypto.credentials import NodeCredentials
from p2pchat.crypto.sealing import receipt
from p2pchat.wire.codec import Codec, encode
from p2pchat.wire.framing import frame_bytes

if TYPE_CHECKING:
    from p2pchat.core.broadcast import Broadcast
    from p2pchat.core.frames import Frame
    from p2pchat.crypto.identity import Identity
    from p2pchat.crypto.room import Room

TIME_MS: Final = 1_700_000_000_000
EPOCH_OF_ANN: Final = Epoch(bytes.fromhex("a0a1a2a3a4a5a6a7"))
EPOCH_OF_BEN: Final = Epoch(bytes.fromhex("b0b1b2b3b4b5b6b7"))
NONCE: Final = bytes(range(16))
MESSAGE: Final = bytes(range(16, 32))
RECEIPT_KEY: Final = bytes(range(32, 64))
SEED: Final = bytes(range(64))
"""Of the ML-KEM half of ben's sealing key."""
SCALAR: Final = bytes(range(64, 96))
"""Of the X25519 half."""

SEALED: Final = b64decode("""
RlIE5Dngm2sgt8cW+soiEgYecNa9y7APtY12ULapStVC0NenCN5UmxyWI56cpzTFTnKnzuWZ6eF6xUEoPeJY2eMdDIj+SyBa
U7FOXyNkskMOiq12WF2Qqh+tXGRx4bmJ+hdYhhE5DeMubhWq2wYYDcv/PZ6lZedFruas3qUl7erUfoTRFj16BYuSKnEuTVGs
S2gVU9skWpj/aqcwPOhpCuuy929Hjjp6uR+plSJG4FJ73pGSdJ6Ec9PDeRGOHrYcdpLPFqWOjxBOnU1hP/+WlHGe3OAQ88rS
UAg23EZtUOzg347tkXaoDa0RKokPS3xZTeg7kBqZVYmSQGl1rX2ooQV7P07nC7nrh/1GDywIcjGblt5jHrx7c3uPzRUYBLtn
6YBRGvjXnmAN4hC5/i+Ijm4WqGlQMkc5xmWIkegVlzOM+oAcfb5NQsoLxkmcJBig1rZvNggmIXzJ9ynEfkuPzpBhwk0wU+rl
a306pmGvBdOc2xSjw40W3jw1OW0lhAJRMH3ko0HvCs/ae1Se6+OayxerD78LgvqP5t7TYZvUwsistgJpamJPHrAuiTtbpbqO
ta8cjzlDnWgqWDlX89Eutq6mpe2ZqjEDLbSP5EEMZIF40Itwg8glG9gjr76T95ELDki1U7JLAxqwRv3nWLofmfBd9CPpnt2l
EF09X5H7l30c+SViiygbbhdOKaELX6VUlSncGA2absHXMUsXO4c1LqQQ2708nfBtzhlrhneEIQq489P3QNzyih4S49M0TSrW
BnyAsr/uVXTTmpXhDO1/rPxwOuL1kQPKibFdrQDA3TTjMNfaOIE1i+jIOA/WpRZAWDslParcPpfaGxPMHfw0SugCdcyWFZWh
IytkTrN2Q7AfKsaFOnuAdMGQp5gNbsxR2J3x+frlU4MRT6kk6YCW3bdvg4WKKKeWxwZGrDXj83RxranhXFmbfcBXB0tKmCmA
Sulsns6gk3aV9+7e9fZ1HNpxNPy9IJpIKyHT3hpHzWBtMmnXvA2R97Pvuapbgjwq5Mpt/gtCUuXkGDuHndzvy70n/J8i+uLW
SXw5Y8MN2dNvUe5JBPHtbuNQmsdrO/qKjL/h2IlHRhlxDhUNkiPlbw42hy/2P7YoZgGMm5ms2bWiBNZlDuiNN5MMuEi87dg7
Qty7CuTTRMljcV8NwN8hk5z6tZ0N0ueu+j9BwWEXo8ojZqwChbllBhF5J0XoolbFM/jnGd4+DxkgKn6KrWsVvbWX+HldnP6A
/N6e+0qtPFL2UQ1JlvyAhcrqQIPM113LroJr78CF9RNb/OlmofhIpmbWLtSTJ0NE1FfvuqSEzQhh4dJQYc61pFFuYzdTrg+T
RgHTKU8dRvurx2fjEMEYB3YxDRgPiaTqpb2slP/gxotKoU4pYsvmgZ0WdWM+RwbceOXr9GOcmbn+Vv5YHKp2Mu0/SZUbhXBB
G21NnmcXKL9jFxXKFpK6GEH1UyAkv60zIs+yqt09nlIeju3ZQ8+gKu0qQNo+eKAqBwEJVLdzDzymiN6k0WmK1ZBpzZ5rTlWN
SjhViUHVXVZLs6pFB1Lm0ZdjDZckIUI6krXD7TJq3u40+dQbAmbHzUe2t/e6aTXMZSpSXviA4b+9fDJtrFv/gr23ZoDr9I2h
hMOcaQQT56r2NTT8PKQWHBl/zlOctvqvN4vDM2ehrQ05sNvc8ZCS1nZSWEO5pK5GN5vinRREpeRRGTGPBLGp1JmB38LqboNe
2AfZMVsTRJNvx0+ow1Vg/B/KaLu8hxSlxGLf85/TN8B7hjBojfPtg6866+DnzMuP0pTq9mj+vjlGITA0AmBj/6olxh2vS8lv
ND5o36MUJbtRX4PvzbiIOWM/ju3b2EzhY503t4MAz8tt8TzJ1qwBnQZjMDLhrDQE3zz9dKKsA5vJ09bxy5a1DxGiMLDhfmVq
1BXMQYBH7wdcYK18z5/7HEhmCZxvWeSZTi4PTnZoJXmRN1jkgIuJQOLQ590Woqi8J+dOiOazVzlNSuXND/5k6nu03zpaP38J
gWdnN7kzD62hHkNsWUGTxHbWvHVIHxLwTd08tPBZpbAbp5rMhNZZkRw/IUCNRTfDCQf2/yBERtC0urVndx6jtKqLY3PMOWV/
zvnjgGUoESvFLqwQG4/bRs0hGssTUGSq6g9Vamy32F9ma0QmQg68eJmFEW8lo8LnLGyo6ejL6K0qoKPG+7Al8teS9CUghrxp
hNWa90g8HpHMh5H+h4bR0D6hEh46Q2zvGKeJzz8iB26gPZuV/04xzmgEQcnQB1e0qfxNyGcuh4c1LnC8WdIeeILEdoteTq0w
yujAqeS/0l9s5/AnaZEKkPZFiyZ8OMVpmc9+XXHG+1xErgJoXcpJP6s/10BBV2LO/+PLV/Hb0qQqT5E3GAV4tOp3+JN4Jurp
SBGyo6fB3/Lm/Boz1G5FeKDu/X2Pzaq05vcDwnqXzhHmF0WQVsbS55nJ8g6LjEbX4GOXqgplBPK8FmuEdaQgMXH0CnwzcTJy
gHRoXUzrpvdFT1A94jTz8SS3PMFp2ox5DajExJsWRzIHmQszD5qZ/gAXbCmPbUpVnCLDY/B7o5cBd5VbpOTjyBjNCn+clcY8
pLcaHuY8mXmJYkhBqO7vS7jrR0MYK8nno/dx3BfrhhXz+KegS0QEpo9rdKymZKUUSNYPOctC7bxwOduwKwSsobVccTNjBs6k
RRkY5kIQ1HTIAD/3jepO7syyO+oZIS5wXFCW1Gcpfgcu3NGr8sAUGkYXD9WkveKyn6kh2OFa/dR97edZorBPNnAcWG390sW3
ULHJfe55AkUMBMSprtIDYucp4IDEEKPMuXxcdSKZmvdohT4qeU8vbOJ683caWIq5yXf1JFPPSRzYVtQQJMHcRRD1Au/eR/Jt
""")
"""What sealing gave once, without the hash of the key in front: it is another each time."""


def sealing_key() -> SealingKey:
    """The public half of ben's sealing key."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(SEED).public_key().public_bytes_raw()
    x25519 = X25519PrivateKey.from_private_bytes(SCALAR).public_key().public_bytes_raw()
    return SealingKey(SUITE, mlkem + x25519)


def inside_of(ann: Identity, ben: Identity, room: Room) -> Inside:
    key_hash = sealing_key().hash
    return Inside(
        room.network_id, ann.peer, ben.peer, key_hash, MESSAGE, RECEIPT_KEY, TIME_MS,
        Kind.TEXT, "psst", "ann",
    )  # fmt: skip


def direct_vectors(
    ann: Identity, ben: Identity, room: Room, broadcast: Broadcast
) -> dict[str, bytes]:
    """Ann asks for ben's sealing key, writes to him, and has his receipt."""
    codec, hers = Codec(), NodeCredentials(ann, room)
    body = codec.encode_sealing_request(SealingRequest(ben.peer, b""))
    request = broadcast.seal_passing(SEALING_REQUEST, body, NONCE, TIME_MS, 0.0)
    answer = key_answer(ben, ann, room, request.id)
    inside = codec.encode_inside(inside_of(ann, ben, room))
    signature = hers.sign_inside(inside)
    outside = Outside(
        room.network_id, ann.peer, EPOCH_OF_ANN, ben.peer, NONCE, TIME_MS,
        sealing_key().hash + SEALED,
    )  # fmt: skip
    signed = codec.encode_outside(outside)
    name = packet_id(signed)
    packet = Packet(name, hers.sign_direct(signed), signed, False, 0)
    proof = receipt(RECEIPT_KEY, MESSAGE)
    sent: tuple[Frame, ...] = (answer, packet, NoWay(name), Receipt(name, proof))
    presence = broadcast.seal_passing(
        PRESENCE, codec.encode_presence(Here("ann", Doing.COMES)), NONCE, TIME_MS, 0.0
    )
    return {
        "body of a request": body,
        "signed request": request.signed,
        "id of the request": request.id,
        "epoch of ben": EPOCH_OF_BEN,
        "seed of ben's sealing key": SEED,
        "scalar of it": SCALAR,
        "hash of it": sealing_key().hash,
        "inside": inside,
        "signature of the inside": signature,
        "what is sealed": codec.encode_signed_inside(SignedInside(signature, inside)),
        "bound": outside.bound,
        "receipt key": RECEIPT_KEY,
        **{f"{type(frame).__name__} framed": frame_bytes(encode(frame)) for frame in sent},
        "body of a presence": presence.header.body,
        "signed presence": presence.signed,
    }


def key_answer(owner: Identity, requester: Identity, room: Room, request: bytes) -> KeyAnswer:
    key = sealing_key()
    record = SealingKeyRecord(
        room.network_id, owner.peer, EPOCH_OF_BEN, requester.peer, NONCE, key.suite, key.key,
        TIME_MS,
    )  # fmt: skip
    signed = Codec().encode_sealing_key(record)
    return KeyAnswer(request, NodeCredentials(owner, room).sign_sealing_key(signed), signed)
