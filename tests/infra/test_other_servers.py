"""Valkey and the mail catcher: killed, stopped, broken, asked twice."""

import smtplib
import socket
import urllib.request
from email.message import EmailMessage
from pathlib import Path

import pytest
import redis

from infra.problem import ServerProblem
from infra.servers.mail import MailCatcher
from infra.servers.valkey import ValkeyServer


def valkey_of(server: ValkeyServer) -> redis.Redis:
    return redis.Redis.from_url(server.url)


def test_valkey_keeps_what_was_written_through_a_stop_and_wants_its_password(folder: Path) -> None:
    server = ValkeyServer(folder)
    with server, valkey_of(server) as client:
        client.set("kept", "yes")
        port = server.port
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        with (
            redis.Redis(port=port) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.get("kept")
    with server, valkey_of(server) as client:
        assert server.port == port
        assert client.get("kept") == b"yes"


def test_valkey_starts_again_after_it_was_killed(folder: Path) -> None:
    with ValkeyServer(folder) as server:
        before = server.process_id
        server.kill()
        assert not server.running
        server.start()
        assert server.process_id != before


def test_valkey_leaves_a_port_that_someone_took(folder: Path) -> None:
    with ValkeyServer(folder) as server:
        port = server.port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port))
        other.listen()
        with server:
            assert server.port != port


def test_broken_data_of_valkey_is_said_with_the_way_to_mend_it(folder: Path) -> None:
    with ValkeyServer(folder) as server, valkey_of(server) as client:
        client.set("kept", "yes")
    for file in (folder / "appendonlydir").glob("*.aof"):
        file.write_bytes(b"not a command\r\n" * 100)
    with pytest.raises(ServerProblem) as caught:
        server.start()
    assert "appendonlydir" in caught.value.what
    assert "make reset" in caught.value.mend


def test_a_caught_mail_can_be_read_and_its_markup_does_nothing(folder: Path) -> None:
    mail = EmailMessage()
    mail["Subject"] = "Été · مرحبا <b>"
    mail["From"], mail["To"] = "office@region.example", "someone@agency.example"
    mail.set_content("Bonjour <script>alert(1)</script>")
    with MailCatcher(folder) as catcher:
        with smtplib.SMTP("127.0.0.1", catcher.smtp_port) as client:
            client.send_message(mail)
        (caught,) = catcher.messages()
        assert caught.subject == "Été · مرحبا <b>"
        assert caught.recipients == ("someone@agency.example",)
        with urllib.request.urlopen(catcher.url, timeout=10) as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            page = answer.read().decode()
        assert "Été · مرحبا &lt;b&gt;" in page
        assert "<script>" not in page
    with catcher:
        assert len(catcher.messages()) == 1
