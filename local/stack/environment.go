package stack

import (
	"net/url"
	"strings"

	"kaiwa/pkg/emu/apigw"
)

// callsAWS says whether functions talk to AWS itself, and so need the user's own
// credentials.
func (s *Stack) callsAWS() bool { return s.opt.Bedrock || isAWS(s.opt.DynamoDB) }

func isAWS(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	host := u.Hostname()
	return strings.HasSuffix(host, ".amazonaws.com") || strings.HasSuffix(host, ".amazonaws.com.cn") || strings.HasSuffix(host, ".api.aws")
}

// environment is what every process gets beyond what its function's template
// says, and instead of it: the variables by which every AWS SDK finds endpoints
// (DESIGN §1), and those by which programs find authorities.
func (s *Stack) environment(apis []apigw.API) map[string]string {
	here := "http://" + s.addr
	env := map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": here,
		"AWS_ENDPOINT_URL_LAMBDA":   here,
	}
	if s.opt.DynamoDB != "" {
		env["AWS_ENDPOINT_URL_DYNAMODB"] = s.opt.DynamoDB
	}
	if !s.opt.Bedrock {
		env["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"] = here
	}
	if len(apis) == 1 {
		env["AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI"] = here + "/" + apis[0].Stage.Name
	}
	var hosts []string
	for _, a := range apis {
		hosts = append(hosts, s.nameOf(a)+"="+s.addr)
	}
	env["BOOTSTRAP_HOSTS"] = strings.Join(hosts, ",") // see emu/bootstrap
	s.trustIn(env)
	if s.callsAWS() {
		s.addCredentials(env)
		return env
	}
	// Every other service is asked for here, where it is refused by its name, and not
	// at AWS, which would say that the keys are wrong.
	env["AWS_ENDPOINT_URL"] = here
	env["AWS_EC2_METADATA_DISABLED"] = "true"
	return env
}

// nameOf is the name an API has on AWS.
func (s *Stack) nameOf(a apigw.API) string {
	return a.ID + ".execute-api." + s.opt.Region + ".amazonaws.com"
}

// setting is one of the user's, "" if there is none.
func (s *Stack) setting(name string) string {
	for _, setting := range s.opt.Environ {
		if value, ok := strings.CutPrefix(setting, name+"="); ok {
			return value
		}
	}
	return ""
}

// addCredentials hands the user's own AWS settings on, except endpoints. Those
// that are not set are set to nothing, so that the host's dummies do not hide what
// the files in the home folder say.
func (s *Stack) addCredentials(env map[string]string) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"} {
		env[name] = ""
	}
	for _, setting := range s.opt.Environ {
		name, value, _ := strings.Cut(setting, "=")
		switch {
		case !strings.HasPrefix(name, "AWS_"), strings.HasPrefix(name, "AWS_ENDPOINT_URL"), strings.HasPrefix(name, "AWS_LAMBDA_"):
		case name == "AWS_REGION", name == "AWS_DEFAULT_REGION", name == "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS":
		default:
			env[name] = value
		}
	}
}

// localise points the addresses of the template's APIs, wherever they stand in a
// function's environment, to this listener: many programs are given their
// callback address in a variable of their own.
func (s *Stack) localise(env map[string]string, apis []apigw.API) map[string]string {
	var pairs []string
	for _, a := range apis {
		host := s.nameOf(a)
		pairs = append(pairs, "https://"+host, "http://"+s.addr, "wss://"+host, "ws://"+s.addr, host, s.addr)
	}
	here := strings.NewReplacer(pairs...)
	local := make(map[string]string, len(env))
	for name, value := range env {
		local[name] = here.Replace(value)
	}
	return local
}
