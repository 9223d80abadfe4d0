package lambdart

import "time"

// Function is one Lambda function and how its processes are started. It is
// plain data: emu/sam fills all but Command from template.yaml.
type Function struct {
	// Name is the function name, unique in a Host.
	Name string
	// LogicalID and Alias, which is none of Lambda's, are further names the Invoke API accepts: the
	// template's logical id and the last element of CodeUri, where unique.
	LogicalID string
	Alias     string
	// Published are the function's own aliases, as in AWS::Lambda::Alias, which a
	// caller may put behind any of its names: NAME:live. All are the one version there
	// is, $LATEST.
	Published []string
	// ARN is accepted too and stands in Lambda-Runtime-Invoked-Function-Arn.
	ARN string
	// Command is the argument vector of the process; Dir its working folder.
	Command []string
	Dir     string
	// Handler is passed on as _HANDLER.
	Handler string
	// Runtime stands in AWS_EXECUTION_ENV, as in AWS_Lambda_nodejs22.x; "" means
	// provided.al2023. What it names is not looked for: Command is what runs.
	Runtime string
	// Env is what the template gives the function. The host adds the variables
	// Lambda itself sets (AWS_LAMBDA_RUNTIME_API, AWS_LAMBDA_FUNCTION_NAME,
	// AWS_REGION, …); nothing of the host's own environment leaks in except
	// PATH, HOME and TMPDIR.
	Env map[string]string
	// LogFormat (TEXT or JSON) and LogLevel are handed on in AWS_LAMBDA_LOG_FORMAT and
	// AWS_LAMBDA_LOG_LEVEL, which programs heed by themselves; "" sets neither.
	LogFormat, LogLevel string
	// Credentials are its role's: what its processes find in AWS_ACCESS_KEY_ID and so
	// on. Default: a dummy key that no AWS account knows.
	Credentials Credentials
	// Timeout is the function timeout, at most 15 min; 0 means Lambda's 3 s. AWS
	// has whole seconds only.
	Timeout time.Duration
	// MemoryMB stands in AWS_LAMBDA_FUNCTION_MEMORY_SIZE; 0 means 128. A process that
	// has more than that in memory of its own during an invocation is killed; this is
	// looked at 20 times a second, on Linux only, and its children do not count.
	MemoryMB int
	// ReservedConcurrency bounds this function's processes; nil means only the
	// host's account limit does.
	ReservedConcurrency *int
	// Async governs Invoke with InvocationType Event.
	Async AsyncConfig
}

// AsyncConfig is AWS::Lambda::EventInvokeConfig.
type AsyncConfig struct {
	// MaxRetryAttempts is 0 to 2; nil means 2 (aws-facts §6).
	MaxRetryAttempts *int
	// MaxEventAge is 60 s to 6 h; 0 means 6 h.
	MaxEventAge time.Duration
	// OnFailure is the ARN of a destination; kept for inspection, a function ARN
	// of the same host is invoked, other kinds are recorded as dead letters.
	OnFailure string
}
