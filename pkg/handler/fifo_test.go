package handler_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"go.yaml.in/yaml/v3"
)

// TestFIFOPoison: one message that can never be delivered becomes a dead letter by
// itself. What waits behind it in its group does not count as tried: the queue is
// read as the template says.
func TestFIFOPoison(t *testing.T) {
	batch, tries := queueOf(t)
	d := newDesk(t)
	d.connect("c1", "alice", "")
	waiting := []string{`a {"to":{"usr":"alice"},"text":"poison"}`}
	var want []string
	for i := range 12 {
		waiting = append(waiting, fmt.Sprintf(`a {"to":{"user":"alice"},"id":"%d","text":"%[1]d"}`, i))
		want = append(want, fmt.Sprint("* ", i))
	}
	received := map[string]int{}
	var dead []string
	for len(waiting) > 0 {
		got := slices.Clone(waiting[:min(batch, len(waiting))])
		res, err := d.notify(sqs(true, got...))
		if err != nil {
			t.Fatal(err)
		}
		waiting = waiting[len(got):]
		var back []string
		for _, f := range res.(events.SQSEventResponse).BatchItemFailures {
			i, err := strconv.Atoi(strings.TrimPrefix(f.ItemIdentifier, "m"))
			if err != nil {
				t.Fatal(err)
			}
			if received[got[i]]++; received[got[i]] == tries {
				dead = append(dead, got[i])
				continue
			}
			back = append(back, got[i])
		}
		waiting = append(back, waiting...)
	}
	if len(dead) != 1 || !strings.Contains(dead[0], "poison") {
		t.Errorf("dead letters %q", dead)
	}
	d.heard("c1", want...)
}

// queueOf is how many messages of a fifo queue Lambda takes at a time, and how often
// each, by the template.
func queueOf(t *testing.T) (batch, tries int) {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Parameters struct {
			Tries struct {
				Default int `yaml:"Default"`
			} `yaml:"NotifyTries"`
		} `yaml:"Parameters"`
		Resources struct {
			Mapping struct {
				Properties struct {
					BatchSize yaml.Node `yaml:"BatchSize"`
				} `yaml:"Properties"`
			} `yaml:"NotificationQueueMapping"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	size := template.Resources.Mapping.Properties.BatchSize
	if size.Tag == "!If" && len(size.Content) == 3 && size.Content[0].Value == "HasFifo" {
		size = *size.Content[1]
	}
	if err := size.Decode(&batch); err != nil || template.Parameters.Tries.Default == 0 {
		t.Fatalf("%v; %+v", err, template.Parameters)
	}
	return batch, template.Parameters.Tries.Default
}
