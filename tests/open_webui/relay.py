"""A relay between two programs that keeps what passes, so that a check sees what really went over the wire."""

import socket
import threading


class Relay:
    """Listens on a free port and leads to `target` (host, port). `sent` and `answered` hold all bytes of each way."""

    def __init__(self, target):
        self.target = target
        self.sent = bytearray()
        self.answered = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            threading.Thread(target=self.pass_on, args=(client, server, self.sent), daemon=True).start()
            threading.Thread(target=self.pass_on, args=(server, client, self.answered), daemon=True).start()

    @staticmethod
    def pass_on(source, target, kept):
        try:
            while data := source.recv(65536):
                kept += data
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
