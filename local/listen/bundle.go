package listen

import (
	"bytes"
	"os"
	"slices"
)

// Where systems keep the certificates they trust, in one file: Debian, Fedora,
// openSUSE, RHEL, and Alpine, macOS and the BSDs (crypto/x509 looks there too).
var systemFiles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
	"/etc/ssl/cert.pem",
}

// Bundle is the authority's certificate before all those that the system trusts, for
// programs that take one file instead of the system's. own is the file that the user
// has named instead of the system's, "" for none. Without any such file, as on
// Windows, it is the authority alone, and whole is false.
func (a *Authority) Bundle(own string) (pem []byte, whole bool) {
	files := systemFiles
	if own != "" {
		files = append([]string{own}, files...)
	}
	for _, name := range files {
		if more, err := os.ReadFile(name); err == nil && len(more) > 0 {
			return bytes.Join([][]byte{a.PEM, more}, nil), true
		}
	}
	return slices.Clone(a.PEM), false
}
