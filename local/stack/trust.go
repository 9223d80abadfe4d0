package stack

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"kaiwa/local/listen"
	"kaiwa/pkg/emu/apigw"
)

// trust makes an authority and the listener's certificate, and puts what others
// need to trust it where the options say.
func (s *Stack) trust(apis []apigw.API) error {
	var names []string
	for _, a := range apis {
		names = append(names, s.nameOf(a))
	}
	authority, err := listen.NewAuthority(names...)
	if err != nil {
		return err
	}
	s.certificate = authority.Certificate
	bundle, whole := authority.Bundle(s.setting("SSL_CERT_FILE"))
	s.bundled = whole
	for file, text := range map[string][]byte{s.opt.CAFile: authority.PEM, s.opt.CABundle: bundle} {
		if file == "" {
			continue
		}
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return fmt.Errorf("keep the authority's certificate: %w", err)
		}
	}
	return nil
}

// distrust removes what trust has put there.
func (s *Stack) distrust() error {
	var errs []error
	for _, file := range []string{s.opt.CAFile, s.opt.CABundle} {
		if err := os.Remove(file); file != "" && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// trustIn sets the variables by which programs find authorities. Node.js adds to
// what it trusts; all others replace it, so that they get a file with both: OpenSSL,
// and so Python and Ruby, Go, requests, curl. AWS's SDKs have a variable of their own
// and read the whole file at every start; where they talk to nobody but this
// listener the authority is enough.
func (s *Stack) trustIn(env map[string]string) {
	if s.opt.CAFile != "" {
		env["NODE_EXTRA_CA_CERTS"] = s.opt.CAFile
	}
	others := s.opt.Bedrock || s.opt.DynamoDB != ""
	if s.opt.CAFile != "" && !others {
		env["AWS_CA_BUNDLE"] = s.opt.CAFile
	}
	if s.opt.CABundle == "" || !s.bundled { // nothing but this listener could be trusted any more
		return
	}
	names := []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}
	if others {
		names = append(names, "AWS_CA_BUNDLE")
	}
	for _, name := range names {
		env[name] = s.opt.CABundle
	}
}
