package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kaiwa/pkg/emu/apigw"
	"kaiwa/pkg/emu/sam"
)

// judge says what functions that cannot run do to the template's APIs: a line for
// each route that answers as if its function had failed, and for each function that
// no route misses. It is an error if nobody could connect to any of the APIs or all
// they could say is answered so.
func judge(t *sam.Template, refused map[string]string) (lines []string, err error) {
	why := t.Missing() // by function name; those that run have ""
	for _, f := range t.Functions() {
		if reason := refused[f.Name]; reason != "" {
			why[f.Name] = f.LogicalID + ": " + reason
		} else {
			why[f.Name] = ""
		}
	}
	missed := map[string]bool{}
	var dead []string
	for _, api := range t.APIs() {
		said, reason := judgeAPI(t, api, why, missed)
		lines = append(lines, said...)
		if reason != "" {
			dead = append(dead, reason)
		}
	}
	if len(dead) == len(t.APIs()) {
		return nil, errors.New(strings.Join(dead, "; "))
	}
	for _, f := range t.Functions() {
		if refused[f.Name] != "" && !missed[f.Name] {
			lines = append(lines, t.FunctionPlace(f.Name).String()+": "+refused[f.Name])
		}
	}
	return append(lines, dead...), nil
}

// judgeAPI judges one API: a line for each route that cannot do what it should, or
// why none of it can be used.
func judgeAPI(t *sam.Template, api apigw.API, why map[string]string, missed map[string]bool) (lines []string, dead string) {
	messages, working := 0, 0
	for _, key := range slices.Sorted(maps.Keys(api.Routes)) {
		route := api.Routes[key]
		reason := reasonOf(route, why, missed)
		lifecycle := key == "$connect" || key == "$disconnect"
		if !lifecycle {
			messages++
		}
		switch {
		case reason == "" && !lifecycle:
			working++
		case reason == "":
		case key == "$connect":
			dead = fmt.Sprintf("nobody can connect to the stage %s: %s", api.Stage.Name, reason)
		case key == "$disconnect":
			lines = append(lines, fmt.Sprintf("%s: route $disconnect does nothing: %s", t.RoutePlace(api.ID, key), reason))
		default:
			lines = append(lines, fmt.Sprintf("%s: route %s answers “Internal server error”: %s", t.RoutePlace(api.ID, key), key, reason))
		}
	}
	if dead == "" && messages > 0 && working == 0 {
		dead = fmt.Sprintf("no route of the stage %s can run: %s", api.Stage.Name, strings.Join(lines, "; "))
	}
	if dead != "" {
		return nil, dead
	}
	return lines, ""
}

// reasonOf says why a route cannot do what it should, "" if it can.
func reasonOf(r apigw.Route, why map[string]string, missed map[string]bool) string {
	var names []string
	if r.Authorizer != nil {
		names = append(names, r.Authorizer.Function)
	}
	if r.Integration != nil && r.Integration.Type == "AWS_PROXY" {
		names = append(names, r.Integration.Function)
	}
	for _, name := range names {
		switch reason, here := why[name]; {
		case !here:
			return "there is no function " + name + " here"
		case reason != "":
			missed[name] = true
			return reason
		}
	}
	if r.Integration != nil {
		if err := r.Integration.Check(); err != nil {
			return err.Error()
		}
	}
	return ""
}
