package ddb

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxBody is the greatest request DynamoDB takes: 16 MB, and some for the JSON around it.
const maxBody = 17 << 20

const contentType = "application/x-amz-json-1.0"

// ServeHTTP speaks the AWS JSON 1.0 protocol: POST with X-Amz-Target: DynamoDB_20120810.Operation. Signatures are not
// verified, but a request without one is refused. A GET is answered with the words by which DynamoDB tells it is healthy.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Amzn-Requestid", strings.ToUpper(rand.Text()+rand.Text()))
	if r.Method == http.MethodGet {
		respond(w, 200, "text/plain", []byte("healthy: dynamodb.us-east-1.amazonaws.com "))
		return
	}
	if r.Method != http.MethodPost {
		respond(w, 404, "application/xml", []byte("<UnknownOperationException/>\n"))
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		respond(w, 413, contentType, nil)
		return
	}
	if err != nil { // the client is gone
		return
	}
	out, refused := s.answer(r, body)
	if refused != nil {
		respond(w, refused.status, contentType, appendJSON(nil, refused.body()))
		return
	}
	respond(w, 200, contentType, appendJSON(nil, out))
}

// answer checks what stands in the headers, then does what the target says.
func (s *Server) answer(r *http.Request, body []byte) (reply, *apiError) {
	parsed, err := parseBody(body)
	if err != nil {
		return nil, refusal(coralService+"SerializationException", "")
	}
	version, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if version != "DynamoDB_20120810" || op == "" {
		return nil, refusal(coralService+"UnknownOperationException", "")
	}
	if err := signed(r); err != nil {
		return nil, err
	}
	return s.do(op, parsed)
}

// parseBody takes exactly one JSON value.
func parseBody(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var parsed any
	if err := d.Decode(&parsed); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return parsed, nil
}

// signed tells whether the request carries a version 4 signature, in its header or its query, whatever it is worth.
// The region in its scope does not matter: there is one namespace.
func signed(r *http.Request) *apiError {
	header := r.Header.Get("Authorization")
	if header == "" && r.URL.Query().Has("X-Amz-Signature") {
		return nil
	}
	if !strings.HasPrefix(header, "AWS4-") {
		return refusal(coralService+"MissingAuthenticationTokenException", "Request is missing Authentication Token")
	}
	missing := ""
	for _, part := range []string{"Credential", "Signature", "SignedHeaders"} {
		if !strings.Contains(header, part+"=") {
			missing += "Authorization header requires '" + part + "' parameter. "
		}
	}
	if missing != "" {
		return refusal(coralService+"IncompleteSignatureException", missing+"Authorization="+header)
	}
	return nil
}

// respond writes an answer with the checksum AWS SDKs verify.
func respond(w http.ResponseWriter, status int, mediaType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone misses nothing
}
