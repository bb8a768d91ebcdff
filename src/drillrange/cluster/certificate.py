"""A certificate for one run of the cluster: kubectl sends its token over TLS only."""

import shutil
import subprocess
from pathlib import Path

from drillrange.processes import NotReady

DAYS = 30


def make_certificate(directory: Path, address: str) -> tuple[Path, Path]:
    """Certificate and key for an address, as PEM files. Raises NotReady without openssl."""
    certificate, key = directory / "tls.crt", directory / "tls.key"
    program = shutil.which("openssl")
    if program is None:
        raise NotReady("openssl is not installed. Try: apt-get install openssl")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subject = ["-subj", "/CN=pocket-cluster-for-drills", "-addext", f"subjectAltName=IP:{address}"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    argv = [program, "req", "-x509", *curve, "-days", str(DAYS), *subject, *files]
    made = subprocess.run(argv, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise NotReady(f"openssl could not make a certificate:\n{made.stderr}")
    key.chmod(0o600)
    return certificate, key
