package main_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// local is the real service, run as on a laptop. It gives the URL.
func local(t *testing.T, flags ...string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds and runs the whole service")
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "local")
	build := exec.Command("go", "build", "-o", program, "./local")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	c := exec.Command(program, append([]string{"-serve", "-addr", "127.0.0.1:0"}, flags...)...)
	c.Dir = root
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		_ = c.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if err != nil || !ok {
		t.Fatalf("the service said %q, %v", line, err)
	}
	return url
}

// A person chats with the real service over a line on which posts are late and
// refused and sockets break.
func TestEndToEnd(t *testing.T) {
	url := local(t, "-faults", "post.delay=20ms,post.429=1/5,post.500=1/7,socket.cut=1/4")
	t.Run("a reply", func(t *testing.T) { reply(t, url) })
	t.Run("all at once", func(t *testing.T) { allAtOnce(t, url) })
}

// squeezed is a text without blanks: terminals wrap it.
func squeezed(s string) string { return strings.Join(strings.Fields(s), "") }

// Every word of a reply is there once, the line being typed is kept, and the service
// has stored the same.
func reply(t *testing.T, url string) {
	c := command(t, "-p", "@demo tokens=150 lang=ja seed=7 every=1ms", url)
	c.Stderr = os.Stderr
	whole, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	p := newPane(t, binary+" "+url)
	p.Shows("/help for commands")
	p.Type("@demo tokens=150 lang=ja seed=7 every=40ms", "Enter")
	start := strings.Join(strings.Fields(string([]rune(string(whole))[:8])), "")
	p.Shows(start)
	p.Type("つぎの質問")
	for _, cols := range []int{44, 71} {
		seen := len(p.Text())
		p.Resize(cols, 15)
		p.Until("more", func(text string) bool { return len(text) > seen+60 })
	}
	want := squeezed("@demo tokens=150 lang=ja seed=7 every=40ms"+string(whole)) + ">つぎの質問"
	text := p.Until("the whole reply", func(text string) bool {
		return strings.HasSuffix(squeezed(text), squeezed(string(whole))+">つぎの質問")
	})
	if !strings.HasSuffix(squeezed(text), want) {
		t.Errorf("the pane shows\n%s\nwant\n%s", text, whole)
	}
	p.Type("C-u", "C-d")
	p.Shows("left with 0")
	shown := kaiwa(t, "", "show", "every=40ms", url)
	if shown.code != 0 || !strings.HasSuffix(strings.TrimSpace(shown.out), strings.TrimSpace(string(whole))) {
		t.Errorf("stored is\n%s\nwant\n%s", shown.out, whole)
	}
	late := time.Now().Add(time.Minute)
	if got := kaiwa(t, "", "-x", "--timeout", "50s", "-c", "-p", "hello", url); got.code != 1 || time.Now().After(late) {
		t.Errorf("no code in it: %+v", got)
	}
}

// While a reply streams in Japanese, a person pastes, lets prompts wait and takes one
// back, and drags the window; a notification comes. Nothing is lost, nothing is there
// twice, and the line being typed stays whole.
func allAtOnce(t *testing.T, url string) {
	const ask = "@demo tokens=160 lang=ja seed=11 every=25ms"
	p := newPane(t, binary+" "+url)
	p.Shows("/help for commands")
	p.Type(ask, "Enter")
	p.Until("the reply", func(text string) bool { return strings.ContainsAny(text, "。、") })
	p.Do("set-buffer", "-b", "paste", strings.Repeat("貼り付け\t👩‍👩‍👧\n", 24)+"終わり")
	p.Do("paste-buffer", "-p", "-b", "paste")
	p.Shows("> [paste 25 lines]")
	p.Type("Enter")
	p.Shows("1 waiting to be sent")
	p.Resize(60, 20)
	p.Type("二つ目の質問", "Enter")
	p.Type("取り消す質問", "Enter")
	p.Shows("3 waiting to be sent")
	p.Type("Up")
	p.Shows("> 取り消す質問")
	p.Type("C-u", "打ちかけの行👩‍👩‍👧")
	p.Resize(47, 20)
	const notice = "* 配備: 完了しました"
	next := time.Time{}
	p.Until(notice, func(text string) bool { // sent while the socket was broken it is gone
		if !strings.Contains(text, notice) && time.Now().After(next) {
			notify(t, url, `{"to":{"user":"anonymous"},"title":"配備","text":"完了しました"}`)
			next = time.Now().Add(2 * time.Second)
		}
		return strings.Contains(text, notice)
	})
	p.Resize(47, 13)
	text := p.Until("the last reply", func(text string) bool {
		_, after, _ := strings.Cut(text, "> 二つ目の質問\n")
		after, _, _ = strings.Cut(after, "> 打ちかけの行") // the notification may come after the reply
		return strings.Contains(strings.ReplaceAll(after, notice, ""), "\n\n")
	})
	if !strings.HasSuffix(text, "\n> 打ちかけの行👩‍👩‍👧") {
		t.Errorf("the line being typed was torn:\n%s", text)
	}
	shown := kaiwa(t, "", "show", "every=25ms", url)
	for _, once := range []string{"> " + ask, "> [paste 25 lines]", "> 二つ目の質問", "打ちかけの行"} {
		if n := strings.Count(squeezed(text), squeezed(once)); n != 1 {
			t.Errorf("%q is there %d times:\n%s", once, n, text)
		}
	}
	if strings.Contains(text, "取り消す質問") || strings.Contains(shown.out, "取り消す質問") {
		t.Errorf("what was taken back was sent:\n%s", text)
	}
	// The notification may stand between two pieces of a tall paragraph.
	got := strings.ReplaceAll(squeezed(text), squeezed(notice), "")
	want := strings.Replace(squeezed(shown.out), strings.Repeat(">貼り付け👩‍👩‍👧", 24)+">終わり", ">[paste25lines]", 1)
	want = strings.ReplaceAll(want, "\u200d👦", "\u200d") // tmux 3.3a keeps 21 bytes a cell
	if shown.code != 0 || !strings.HasSuffix(got, want+">打ちかけの行👩‍👩‍👧") {
		t.Errorf("the pane shows\n%s\nstored is\n%s", text, shown.out)
	}
	p.Type("C-u", "C-d")
	p.Shows("left with 0")
}

// notify has the service send a notification, as another system would.
func notify(t *testing.T, url, message string) {
	t.Helper()
	client := lambda.New(lambda.Options{
		BaseEndpoint: aws.String(strings.TrimSuffix(strings.Replace(url, "ws://", "http://", 1), "/dev")),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	out, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("notify"), Payload: []byte(message)})
	if err != nil || out.FunctionError != nil {
		t.Fatalf("notify: %v, %s", err, out.Payload)
	}
}
