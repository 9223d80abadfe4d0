package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"kaiwa/client/session"
	"kaiwa/client/signin"
)

// reach is how to get to the service, and to be let in there.
func (f *flags) reach() (*session.Config, error) {
	sign, err := signin.New(f.signin)
	if err != nil {
		return nil, err
	}
	c := &session.Config{Options: session.Options{Ping: f.ping}, Header: f.header, Sign: sign.Sign}
	if sign.Renews() {
		c.Renew = sign.Renew
	}
	transport := session.NewTransport()
	if f.proxy != "" {
		u, err := url.Parse(f.proxy)
		if err != nil || u.Host == "" {
			return nil, errors.New("the proxy has the form http://HOST:PORT, https:// or socks5://")
		}
		transport.Proxy = http.ProxyURL(u)
	}
	if transport.TLSClientConfig, err = f.tls(); err != nil {
		return nil, err
	}
	c.Client = &http.Client{Transport: transport}
	return c, nil
}

// tls is what is special about TLS, nil if nothing is.
func (f *flags) tls() (*tls.Config, error) {
	if f.ca == "" && f.cert == "" && f.key == "" && !f.insecure {
		return nil, nil
	}
	c := &tls.Config{InsecureSkipVerify: f.insecure}
	if f.ca != "" {
		pem, err := os.ReadFile(f.ca)
		if err != nil {
			return nil, fmt.Errorf("ca: %w", err)
		}
		if c.RootCAs, err = x509.SystemCertPool(); err != nil {
			c.RootCAs = x509.NewCertPool()
		}
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("ca: %s has no certificate in PEM", f.ca)
		}
	}
	if f.cert == "" && f.key == "" {
		return c, nil
	}
	if f.cert == "" || f.key == "" {
		return nil, errors.New("cert and key go together: a certificate, and the key to it")
	}
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return nil, fmt.Errorf("cert and key: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
