// Package iam judges AWS calls by IAM policies, as far as templates of serverless
// services use them: what a request needs permission for, and whether policy
// documents grant it.
//
// A policy element that is not emulated is an error when the policy is read, never
// ignored: an ignored condition would allow what AWS denies.
package iam
