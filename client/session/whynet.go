package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// netReason explains a handshake that got no answer.
func netReason(u *url.URL, err error) string {
	host := u.Host
	if reason := proxyReason(err); reason != "" {
		return reason
	}
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		return dnsReason(u, dns)
	}
	if reason := tlsReason(host, err); reason != "" {
		return reason
	}
	switch {
	case isErrno(err, syscall.ECONNREFUSED, wsaRefused) && isLocal(host):
		return fmt.Sprintf("nothing listens at %s; `go run ./local` starts a service, or give the URL of one", host)
	case isErrno(err, syscall.ECONNREFUSED, wsaRefused):
		return fmt.Sprintf("%s refuses connections; is the port right?", host)
	case isErrno(err, syscall.ENETUNREACH, wsaNetUnreachable), isErrno(err, syscall.EHOSTUNREACH, wsaHostUnreachable):
		return fmt.Sprintf("there is no way to %s; is this machine online?", host)
	case strings.Contains(err.Error(), "malformed HTTP"), strings.Contains(err.Error(), "readLoopPeekFail"): // it speaks first
		return fmt.Sprintf("%s does not speak HTTP; is it wss:// rather than ws://, or another port?", host)
	case errors.Is(err, context.DeadlineExceeded), isErrno(err, syscall.ETIMEDOUT, wsaTimedOut):
		return fmt.Sprintf("%s does not answer", host)
	case errors.Is(err, io.EOF), isErrno(err, syscall.ECONNRESET, wsaReset):
		return fmt.Sprintf("%s hangs up during the handshake; is it a WebSocket?", host)
	}
	return fmt.Sprintf("cannot connect to %s: %v", host, innermost(err))
}

// The numbers of Winsock, which Go's names do not stand for.
const (
	wsaNetUnreachable  = syscall.Errno(10051)
	wsaReset           = syscall.Errno(10054)
	wsaTimedOut        = syscall.Errno(10060)
	wsaRefused         = syscall.Errno(10061)
	wsaHostUnreachable = syscall.Errno(10065)
)

// isErrno says whether err is that error of the system's.
func isErrno(err error, unix, windows syscall.Errno) bool {
	return errors.Is(err, unix) || runtime.GOOS == "windows" && errors.Is(err, windows)
}

func proxyReason(err error) string {
	if no, ok := errors.AsType[*proxyError](err); ok {
		if no.status == http.StatusProxyAuthRequired {
			return fmt.Sprintf("the proxy %s wants a name and a password: http://NAME:PASSWORD@%s", no.proxy, no.proxy)
		}
		return no.Error()
	}
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Op != "proxyconnect" && !strings.HasPrefix(op.Op, "socks") {
		return ""
	}
	where := ""
	if dial, ok := errors.AsType[*net.OpError](op.Err); ok && dial.Addr != nil {
		where = " " + dial.Addr.String()
	}
	return fmt.Sprintf("the proxy%s does not work (%v); see --proxy, HTTPS_PROXY and NO_PROXY", where, innermost(err))
}

func dnsReason(u *url.URL, dns *net.DNSError) string {
	switch {
	case dns.IsNotFound && isAWS(u):
		id, _, _ := strings.Cut(dns.Name, ".")
		return fmt.Sprintf("there is no host %s (DNS); is there an API %s in that region?", dns.Name, id)
	case dns.IsNotFound:
		return fmt.Sprintf("there is no host %s (DNS)", dns.Name)
	}
	return fmt.Sprintf("cannot look up %s (DNS: %s); is this machine online?", dns.Name, dns.Err)
}

// tlsReason explains what is wrong with a certificate, or with TLS at all.
func tlsReason(host string, err error) string {
	if name, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the certificate of %s is for another name (%s); is the URL right?", host, names(name.Certificate))
	}
	if bad, ok := errors.AsType[x509.CertificateInvalidError](err); ok && bad.Reason == x509.Expired {
		if now := time.Now(); now.Before(bad.Cert.NotBefore) {
			return fmt.Sprintf("the certificate of %s is not valid before %s; this machine's clock says %s",
				host, bad.Cert.NotBefore.Format(time.DateOnly), now.Format(time.DateOnly))
		}
		return fmt.Sprintf("the certificate of %s ran out on %s", host, bad.Cert.NotAfter.Format(time.DateOnly))
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return fmt.Sprintf("nobody this machine trusts vouches for the certificate of %s; if it is your own, give its authority with --ca FILE", host)
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Sprintf("the certificate of %s is not trusted: %v", host, innermost(bad))
	}
	_, record := errors.AsType[tls.RecordHeaderError](err)
	switch said := err.Error(); {
	case record, strings.Contains(said, "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s does not speak TLS; try ws:// instead of wss://", host)
	case strings.Contains(said, "tls: certificate required"):
		return fmt.Sprintf("%s wants a certificate of yours: --cert FILE and --key FILE", host)
	case strings.Contains(said, "remote error: tls:"):
		return fmt.Sprintf("%s refuses the TLS handshake: %v", host, innermost(err))
	}
	return ""
}

// names are the first names of a certificate.
func names(c *x509.Certificate) string {
	const most = 3
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) > most {
		all = append(all[:most], "…")
	}
	return strings.Join(all, ", ")
}

func isLocal(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	ip := net.ParseIP(name)
	return name == "localhost" || ip != nil && ip.IsLoopback()
}

// innermost is the error at the end of the chain: what went wrong, without who
// reported it.
func innermost(err error) error {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err
		}
		err = next
	}
}
