package lambdart

import (
	"maps"
	"os"
	"slices"
	"strconv"
	"time"
)

// reservedEnv are the variables a function's configuration cannot set (Lambda
// developer guide, "Defined runtime environment variables").
var reservedEnv = map[string]bool{
	"_HANDLER": true, "_X_AMZN_TRACE_ID": true, "AWS_DEFAULT_REGION": true, "AWS_REGION": true,
	"AWS_EXECUTION_ENV": true, "AWS_LAMBDA_FUNCTION_NAME": true, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": true,
	"AWS_LAMBDA_FUNCTION_VERSION": true, "AWS_LAMBDA_INITIALIZATION_TYPE": true, "AWS_LAMBDA_LOG_GROUP_NAME": true,
	"AWS_LAMBDA_LOG_STREAM_NAME": true, "AWS_ACCESS_KEY": true, "AWS_ACCESS_KEY_ID": true,
	"AWS_SECRET_ACCESS_KEY": true, "AWS_SESSION_TOKEN": true, "AWS_LAMBDA_RUNTIME_API": true,
	"LAMBDA_TASK_ROOT": true, "LAMBDA_RUNTIME_DIR": true,
}

// environment is what a new process of fn finds. Host.mu is held.
func (h *Host) environment(fn *function, token string) []string {
	env := map[string]string{"LANG": "en_US.UTF-8", "TZ": ":UTC"}
	for _, k := range []string{"PATH", "HOME", "TMPDIR"} {
		if v, ok := os.LookupEnv(k); ok {
			env[k] = v
		}
	}
	maps.Copy(env, fn.Env)
	maps.Copy(env, map[string]string{
		"AWS_REGION":                      h.opt.Region,
		"AWS_DEFAULT_REGION":              h.opt.Region,
		"AWS_ACCESS_KEY_ID":               fn.Credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY":           fn.Credentials.SecretAccessKey,
		"AWS_EXECUTION_ENV":               "AWS_Lambda_" + fn.Runtime,
		"AWS_LAMBDA_FUNCTION_NAME":        fn.Name,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(fn.MemoryMB),
		"AWS_LAMBDA_FUNCTION_VERSION":     "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + fn.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME":      time.Now().UTC().Format("2006/01/02") + "/[$LATEST]" + token,
		"LAMBDA_TASK_ROOT":                fn.Dir,
		"LAMBDA_RUNTIME_DIR":              "/var/runtime",
		"_HANDLER":                        fn.Handler,
	})
	if t := fn.Credentials.SessionToken; t != "" {
		env["AWS_SESSION_TOKEN"] = t
	}
	for k, v := range map[string]string{"AWS_LAMBDA_LOG_FORMAT": fn.LogFormat, "AWS_LAMBDA_LOG_LEVEL": fn.LogLevel} {
		if v != "" {
			env[k] = v
		}
	}
	maps.Copy(env, h.opt.Env)
	delete(env, "AWS_LAMBDA_RUNTIME_API")

	list := make([]string, 0, len(env)+1)
	for _, k := range slices.Sorted(maps.Keys(env)) {
		list = append(list, k+"="+env[k])
	}
	return append(list, h.runtimeAPI(token))
}

// runtimeAPI is the variable by which a process finds the host. It tells the
// processes of one host, and those of one token with what they start, from others.
func (h *Host) runtimeAPI(token string) string {
	return "AWS_LAMBDA_RUNTIME_API=" + h.addr + runtimePrefix + token
}
