"""An authority made for one test, and certificates from it: by the openssl command, gone with the test's folder."""

import ssl
import subprocess


class Authority:
    def __init__(self, folder, name="Test authority"):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = folder / "ca.pem"
        self.key = folder / "ca.key"
        openssl("req", "-x509", *NEW_KEY, "-keyout", self.key, "-out", self.ca, "-subj", f"/CN={name}", "-days", "3")

    def issue(self, name, names="DNS:localhost,IP:127.0.0.1", days=2, file=None):
        """(certificate, key): files of the folder. `days` below 0: it has expired."""
        stem = self.folder / (file or name)
        certificate, key, request, extra = (stem.with_name(stem.name + end) for end in (".crt", ".key", ".csr", ".ext"))
        openssl("req", *NEW_KEY, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        extra.write_text(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.key, "-days", days, "-extfile", extra, "-out",
                certificate)
        return certificate, key

    def client(self, certificate=None, key=None, **options):
        """A context that trusts this authority alone."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if certificate:
            context.load_cert_chain(certificate, key)
        for name, value in options.items():
            setattr(context, name, value)
        return context

    def server(self, certificate, key, asks_for=None):
        """A context that answers; `asks_for`: the authority whose clients alone it takes."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        if asks_for:
            context.load_verify_locations(asks_for.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def openssl(*words, text="", check=True):
    done = subprocess.run(["openssl", *map(str, words)], input=text, capture_output=True, text=True, timeout=30)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout + done.stderr
