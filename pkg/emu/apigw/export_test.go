package apigw

// ChooseKey parses and evaluates a route selection expression.
func ChooseKey(expr, body string) (string, error) {
	e, err := parseExpression(expr, false)
	if err != nil {
		return "", err
	}
	return e.eval(body, ""), nil
}

// Render parses and renders a request template for a message.
func Render(src, body string) (string, error) {
	t, err := parseTemplate(src, true)
	if err != nil {
		return "", err
	}
	return t.render(&scope{
		body:           body,
		stageVariables: map[string]string{"env": "test"},
		context: &requestContext{
			ConnectionID: "R1kmxc2VNjMCFIA=",
			Authorizer:   map[string]any{"principalId": "me"},
		},
	}), nil
}
