package converse

import "fmt"

// Exception names an exception of the Converse API.
type Exception string

// The exceptions of Converse and ConverseStream (aws-facts §8).
const (
	AccessDenied       Exception = "AccessDeniedException"
	InternalServer     Exception = "InternalServerException"
	ModelError         Exception = "ModelErrorException"
	ModelNotReady      Exception = "ModelNotReadyException"
	ModelStreamError   Exception = "ModelStreamErrorException" // inside a stream only
	ModelTimeout       Exception = "ModelTimeoutException"
	ResourceNotFound   Exception = "ResourceNotFoundException"
	ServiceUnavailable Exception = "ServiceUnavailableException"
	Throttling         Exception = "ThrottlingException"
	Validation         Exception = "ValidationException"
)

// Three more that come before the operation is even looked at.
const (
	invalidSignature Exception = "InvalidSignatureException"
	missingToken     Exception = "MissingAuthenticationTokenException"
	unknownOperation Exception = "UnknownOperationException"
)

// Error is an exception that a Model or Options.Faults raises and a client receives.
type Error struct {
	Exception Exception
	Message   string // reaches the client
	// OriginalStatus is the HTTP status of the model behind Bedrock, for ModelError and ModelStreamError; 0: none.
	OriginalStatus int
}

func (e *Error) Error() string { return string(e.Exception) + ": " + e.Message }

// form is how an exception travels: refused at call time under a name with a status, or as a member of the stream.
type form struct {
	name   Exception
	status int
	member string
}

// forms holds aws-facts §8. A stream knows five exceptions only, so the others become the nearest of these there, and
// the one that exists only in streams becomes ModelErrorException at call time.
var forms = map[Exception]form{
	AccessDenied:       {AccessDenied, 403, "internalServerException"},
	InternalServer:     {InternalServer, 500, "internalServerException"},
	ModelError:         {ModelError, 424, "modelStreamErrorException"},
	ModelNotReady:      {ModelNotReady, 429, "serviceUnavailableException"},
	ModelStreamError:   {ModelError, 424, "modelStreamErrorException"},
	ModelTimeout:       {ModelTimeout, 408, "modelStreamErrorException"},
	ResourceNotFound:   {ResourceNotFound, 404, "internalServerException"},
	ServiceUnavailable: {ServiceUnavailable, 503, "serviceUnavailableException"},
	Throttling:         {Throttling, 429, "throttlingException"},
	Validation:         {Validation, 400, "validationException"},
	invalidSignature:   {invalidSignature, 403, ""},
	missingToken:       {missingToken, 403, ""},
	unknownOperation:   {unknownOperation, 404, ""},
}

// formOf is the exception's form; an unknown one is an internal error.
func formOf(e Exception) form {
	if f, ok := forms[e]; ok {
		return f
	}
	return forms[InternalServer]
}

func invalid(format string, args ...any) *Error {
	return &Error{Exception: Validation, Message: fmt.Sprintf(format, args...)}
}

// malformed is Bedrock's wording for a request that does not fit its schema.
func malformed(path, problem string) *Error {
	return invalid("Malformed input request: %s: %s, please reformat your input and try again.", path, problem)
}
