package apigw

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	connectRoute    = "$connect"
	disconnectRoute = "$disconnect"

	typeProxy = "AWS_PROXY"
	typeMock  = "MOCK"

	authNone   = "NONE"
	authIAM    = "AWS_IAM"
	authCustom = "CUSTOM"

	headerKeyExpression = "$request.header.x-api-key"
	usageKeyExpression  = "$context.authorizer.usageIdentifierKey"
)

// Bounds of an integration's timeout (aws-facts §1).
const (
	minIntegrationTimeout = 50 * time.Millisecond
	maxIntegrationTimeout = 29 * time.Second
)

// maxTemplate bounds a mapping template, in bytes (aws-facts §1).
const maxTemplate = 300 << 10

// What AWS takes for the name of a stage, and for the name and the value of a stage
// variable (aws-facts §1).
var (
	stageName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)
	variableName  = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	variableValue = regexp.MustCompile(`^[A-Za-z0-9-._~:/?#&=,]+$`)
)

func withDefaults(api API) API {
	api.RouteSelectionExpression = orElse(api.RouteSelectionExpression, "$request.body.action")
	api.APIKeySelectionExpression = orElse(api.APIKeySelectionExpression, headerKeyExpression)
	return api
}

// check refuses an api that AWS would refuse or this package does not emulate.
func check(api API, fn Invoker, opt Options) error {
	switch {
	case api.ID == "":
		return errors.New("ID is empty")
	case !stageName.MatchString(api.Stage.Name):
		return fmt.Errorf("stage name %q: AWS takes 1 to 128 of A-Za-z0-9_-", api.Stage.Name)
	case api.APIKeySelectionExpression != headerKeyExpression && api.APIKeySelectionExpression != usageKeyExpression:
		return fmt.Errorf("API key selection expression %q is not emulated", api.APIKeySelectionExpression)
	case opt.VerifySignatures && opt.Credentials == nil:
		return errors.New("VerifySignatures needs Options.Credentials")
	}
	for _, name := range slices.Sorted(maps.Keys(api.Stage.Variables)) {
		if !variableName.MatchString(name) || !variableValue.MatchString(api.Stage.Variables[name]) {
			return fmt.Errorf("stage variable %s: AWS takes names of A-Za-z0-9_ and values of A-Za-z0-9-._~:/?#&=,", name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(api.Routes)) {
		if err := checkRoute(key, api.Routes[key], fn, opt); err != nil {
			return &RouteError{key, err}
		}
	}
	return nil
}

func checkRoute(key string, r Route, fn Invoker, opt Options) error {
	lifecycle := key == connectRoute || key == disconnectRoute
	switch {
	case key == "" || strings.HasPrefix(key, "$") && !lifecycle && key != defaultKey:
		return errors.New("keys that are empty or begin with $ are reserved")
	case r.Integration == nil && !lifecycle:
		return errors.New("no integration")
	case r.ModelSelectionExpression != "" && lifecycle:
		return errors.New("a model is not emulated here: only messages are validated")
	}
	if err := checkAuthorization(key, r, fn, opt); err != nil {
		return err
	}
	if r.Integration == nil {
		return nil
	}
	return checkIntegration(r.Integration, fn)
}

func checkAuthorization(key string, r Route, fn Invoker, opt Options) error {
	auth := orElse(r.Authorization, authNone)
	switch {
	case auth != authNone && auth != authIAM && auth != authCustom:
		return fmt.Errorf("authorization %s is not emulated", auth)
	case auth != authNone && key != connectRoute:
		return fmt.Errorf("authorization %s: only $connect can have one", auth)
	case (auth == authCustom) != (r.Authorizer != nil):
		return errors.New("an authorizer goes with authorization CUSTOM, and only with it")
	case auth == authIAM && opt.Credentials == nil:
		return errors.New("authorization AWS_IAM needs Options.Credentials")
	case r.Authorizer == nil:
		return nil
	case r.Authorizer.Function == "" || fn == nil:
		return fmt.Errorf("authorizer %s has no function", r.Authorizer.Name)
	}
	for _, source := range r.Authorizer.IdentitySources {
		if err := checkIdentitySource(source); err != nil {
			return err
		}
	}
	return nil
}

func checkIntegration(i *Integration, fn Invoker) error {
	switch {
	case i.Type != typeProxy && i.Type != typeMock:
		return fmt.Errorf("integration type %q is not emulated", i.Type)
	case i.Type == typeProxy && (i.Function == "" || fn == nil):
		return errors.New("AWS_PROXY has no function")
	case i.Timeout != 0 && (i.Timeout < minIntegrationTimeout || i.Timeout > maxIntegrationTimeout):
		return fmt.Errorf("integration timeout %v is outside 50 ms to 29 s", i.Timeout)
	}
	return nil
}
