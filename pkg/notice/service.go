package notice

import (
	"net/url"
	"strings"
)

// saying is how one kind of EventBridge event is put into words. Paths are those
// of the whole event; a pattern that comes out empty says nothing.
type saying struct {
	detailType         string // of the event; a trailing * stands for anything
	title, text, level string
}

// sayings are the common ones. What is not here still becomes readable.
var sayings = []saying{
	{"CloudWatch Alarm State Change", "{detail.alarmName} is {detail.state.value}", "{detail.state.reason}", "{detail.state.value}"},
	{"CodePipeline Pipeline Execution State Change", "Pipeline {detail.pipeline} {detail.state}", "execution {detail.execution-id}", "{detail.state}"},
	{"CodePipeline Stage Execution State Change", "Pipeline {detail.pipeline}, stage {detail.stage} {detail.state}", "execution {detail.execution-id}", "{detail.state}"},
	{"CodePipeline Action Execution State Change", "Pipeline {detail.pipeline}, {detail.stage}/{detail.action} {detail.state}",
		"{detail.execution-result.external-execution-summary|detail.execution-id}", "{detail.state}"},
	{"CodeBuild Build State Change", "Build of {detail.project-name} {detail.build-status}", "{detail.additional-information.logs.deep-link|detail.build-id}", "{detail.build-status}"},
	{"CodeDeploy Deployment State-change Notification", "Deployment of {detail.application} to {detail.deploymentGroup} {detail.state}", "{detail.deploymentId}", "{detail.state}"},
	{"CloudFormation Stack Status Change", "Stack {detail.stack-id} {detail.status-details.status}", "{detail.status-details.status-reason}", "{detail.status-details.status}"},
	{"EC2 Instance State-change Notification", "Instance {detail.instance-id} is {detail.state}", "", ""},
	{"EC2 Spot Instance Interruption Warning", "Spot instance {detail.instance-id} will {detail.instance-action}", "in two minutes", "warning"},
	{"EC2 Instance Launch *", "Auto Scaling {detail.AutoScalingGroupName}: {detail-type}", "{detail.Cause|detail.StatusMessage}", "{detail-type}"},
	{"EC2 Instance Terminate *", "Auto Scaling {detail.AutoScalingGroupName}: {detail-type}", "{detail.Cause|detail.StatusMessage}", "{detail-type}"},
	{"EC2 Instance-* Lifecycle Action", "Auto Scaling {detail.AutoScalingGroupName}: {detail-type}", "{detail.EC2InstanceId}", ""},
	{"EC2 Auto Scaling *", "Auto Scaling {detail.AutoScalingGroupName}: {detail-type}", "{detail.Cause|detail.StatusMessage}", "{detail-type}"},
	{"ECS Task State Change", "Task of {detail.group} is {detail.lastStatus}", "{detail.stoppedReason}", "{detail.stoppedReason}"},
	{"ECS Deployment State Change", "{resources.0}: {detail.eventName}", "{detail.reason}", "{detail.eventType}"},
	{"ECS Service Action", "{resources.0}: {detail.eventName}", "{detail.reason}", "{detail.eventType}"},
	{"ECS Container Instance State Change", "Container instance {detail.ec2InstanceId} is {detail.status}", "", ""},
	{"GuardDuty Finding", "GuardDuty: {detail.title}", "{detail.description}", "severity {detail.severity}"},
	{"Security Hub Findings - Imported", "Security Hub: {detail.findings.0.Title}", "{detail.findings.0.Description}", "{detail.findings.0.Severity.Label}"},
	{"Inspector2 Finding", "Inspector: {detail.title}", "{detail.description}", "{detail.severity}"},
	{"AWS Health Event", "AWS Health, {detail.service}: {detail.eventTypeCode}", "{detail.eventDescription.0.latestDescription}", "{detail.eventTypeCategory}"},
	{"Step Functions Execution Status Change", "{detail.stateMachineArn} {detail.status}", "execution {detail.name} {detail.cause}", "{detail.status}"},
	{"Batch Job State Change", "Job {detail.jobName} {detail.status}", "{detail.statusReason}", "{detail.status}"},
	{"Glue Job State Change", "Job {detail.jobName} {detail.state}", "{detail.message}", "{detail.state}"},
	{"RDS DB * Event", "{detail.SourceIdentifier}: {detail.EventCategories.0}", "{detail.Message}", "{detail.EventCategories.0}"},
	{"ECR Image Action", "{detail.repository-name}:{detail.image-tag} {detail.action-type} {detail.result}", "{detail.image-digest}", "{detail.result}"},
	{"ECR Image Scan", "Scan of {detail.repository-name} {detail.scan-status}", "{detail.image-digest}", "{detail.scan-status}"},
	{"Object Created", "s3://{detail.bucket.name}/{detail.object.key} was created", "{detail.object.size} bytes", ""},
	{"Object Deleted", "s3://{detail.bucket.name}/{detail.object.key} was deleted", "", ""},
	{"AWS API Call via CloudTrail", "{detail.eventName} on {detail.eventSource}", "by {detail.userIdentity.arn} from {detail.sourceIPAddress} {detail.errorMessage}", "{detail.errorCode}"},
	{"AWS Console Sign In via CloudTrail", "Console sign-in of {detail.userIdentity.arn} {detail.responseElements.ConsoleLogin}", "from {detail.sourceIPAddress}", "{detail.responseElements.ConsoleLogin}"},
	{"Scheduled Event", "Scheduled event", "{resources.0}", ""},
}

// service puts an EventBridge event into words. Its JSON comes along as data.
func service(o object, raw []byte) Notice {
	if o.has("detailType") { // a notification rule of the developer tools
		o["detail-type"] = o["detailType"]
	}
	kind := o.text("detail-type")
	n := Notice{Data: raw}
	for _, s := range sayings {
		if matches(s.detailType, kind) {
			o.shorten("detail.stack-id", "detail.stateMachineArn", "resources.0", "detail.build-id")
			n.Title, n.Text, n.Level = o.fill(s.title), o.fill(s.text), levelOf(o.fill(s.level))
			return n
		}
	}
	n.Title = strings.TrimSpace(kind + " (" + o.text("source") + ")")
	detail := o.object("detail")
	n.Text, n.Level = detail.words(), levelOf(detail.first("severity", "level", "state", "status", "eventType"))
	return n
}

// matches compares a kind with a pattern whose * stands for anything.
func matches(pattern, s string) bool {
	first, rest, star := strings.Cut(pattern, "*")
	if !star {
		return pattern == s
	}
	s, ok := strings.CutPrefix(s, first)
	for i := 0; ok && i <= len(s); i++ {
		if matches(rest, s[i:]) {
			return true
		}
	}
	return false
}

// shorten leaves of an ARN what people call the thing.
func (o object) shorten(paths ...string) {
	for _, p := range paths {
		arn := o.text(p)
		parts := strings.SplitN(arn, ":", 6)
		if len(parts) != 6 || parts[0] != "arn" {
			continue
		}
		name := parts[5]
		for _, kind := range []string{"stack/", "stateMachine:", "service/", "build/", "rule/"} {
			name = strings.TrimPrefix(name, kind)
		}
		if strings.HasPrefix(parts[5], "stack/") {
			name, _, _ = strings.Cut(name, "/") // a stack's own id follows
		}
		o[p] = name
	}
}

// alarmAction reads what a CloudWatch alarm hands to a function it invokes itself
// ("Invoke a Lambda function from an alarm" in the CloudWatch user guide).
func alarmAction(o object, raw []byte) Notice {
	alarm := o.object("alarmData")
	state := alarm.text("state.value")
	return Notice{
		// Two changes of one alarm are told apart by their time, as AWS gives no id.
		ID:    shortID(o.text("alarmArn") + " " + state + " " + alarm.first("state.timestamp", "configuration.timestamp") + o.text("time")),
		Title: strings.TrimSpace(alarm.text("alarmName") + " is " + state),
		Text:  lines(alarm.text("configuration.description"), alarm.text("state.reason")),
		Level: levelOf(state), Data: raw, At: o.time("time"),
	}
}

// alarmMessage reads what a CloudWatch alarm publishes to SNS
// (events.CloudWatchAlarmSNSPayload of aws-lambda-go).
func alarmMessage(o object, raw []byte) Notice {
	state := o.text("NewStateValue")
	return Notice{
		Title: strings.TrimSpace(o.text("AlarmName") + " is " + state),
		Text:  lines(o.text("AlarmDescription"), o.text("NewStateReason")),
		Level: levelOf(state), Data: raw, At: o.time("StateChangeTime"),
	}
}

// s3 reads the event that a bucket sends itself.
func s3(o object, raw []byte) Notice {
	var each []string
	for _, r := range o.list("Records") {
		key := r.text("s3.object.key") // encoded as in a query
		if k, err := url.QueryUnescape(key); err == nil {
			key = k
		}
		each = append(each, "s3://"+r.text("s3.bucket.name")+"/"+key)
	}
	return Notice{Title: "S3 " + o.text("Records.0.eventName"), Text: lines(each...), Data: raw, At: o.time("Records.0.eventTime")}
}

// lines joins what is not empty.
func lines(parts ...string) string {
	var kept []string
	for _, p := range parts {
		if p = strings.TrimSpace(p); p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "\n")
}
