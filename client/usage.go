package main

const usage = `kaiwa talks to a kaiwa service.

  kaiwa [flags] [URL] [TEXT]     chat; TEXT is the first prompt (URL: ws://… or wss://…)
  kaiwa -p TEXT [flags] [URL]    ask one thing: the reply on stdout, all else on stderr
  kaiwa [flags] [URL] < prompts  one prompt a line, one reply after the other

Without URL it takes KAIWA_URL or the config's url, and without those
ws://127.0.0.1:3001/dev, which is where "go run ./local" listens.
A first word that is a command is one: put a question that starts with it in quotes.

Conversations
  kaiwa -c …                     goes on with the newest one, in a chat or with -p
  kaiwa -r ID|TITLE …            goes on with that one; a part of its title will do
  kaiwa ls [--json]              your conversations, newest first; --json: one a line
  kaiwa show ID|TITLE            what was said in one
  kaiwa export ID|TITLE          the same as markdown (--md) or one JSON object (--json)
  kaiwa rename ID|TITLE NEW      gives it another title
  kaiwa rm ID...                 deletes it; here the id, or a title that no other has
  kaiwa rm --all --yes           deletes everything there is of you
  kaiwa watch [--topic T]        prints notifications only; --json: one a line. It
                                 subscribes to the topic, until kaiwa unwatch T

Asking
  -p TEXT          the prompt; what is piped in follows it. -p - takes the pipe alone
  -f FILE          a text file that goes with the prompt; repeatable
  --json           the reply as one JSON object: text, ids, stop, usage, timing
  --stream-json    every event as one line of JSON
  -x               only the first code block of the reply
  --timeout 30s    how long connecting, and each reply, may take (default: no limit)
  --enter-sends=false  Enter makes a new line; Alt+Enter, Shift+Enter or ^J sends
  --wrap kinsoku   cuts lines as a typesetter does, rather than as the terminal likes
  --ambiguous-width 1|2|auto     cells of characters like ○ and →; auto asks the terminal
  --plain          no cursor movements and no colours, for screen readers; also with
                   ACCESSIBLE=1 or TERM=dumb

Connecting
  --url URL        the same as URL
  -H 'Name: value' a header of the handshake; repeatable
  --ping 25s       how often to ping when nothing else goes; 0 for never
  --proxy URL      http://, https:// or socks5:// (default: HTTPS_PROXY, HTTP_PROXY)
  --ca FILE        trust these authorities too, in PEM
  --cert FILE --key FILE         a certificate of your own
  --insecure       do not check the service's certificate
  --profile NAME   the part of the config file to use (default: KAIWA_PROFILE)

Signing in
  --token TOKEN    a bearer token
  --token-command CMD            a shell command that prints one, run when one is needed
  --token-as subprotocol         send it as browsers do; else in the header Authorization
  --api-key KEY    sent as x-api-key
  --sigv4          sign with AWS credentials: variables, AWS_PROFILE, SSO, roles
  --region REGION  of the API, where its host name does not tell
  kaiwa url --presign            prints a URL that wscat, or a browser, can connect with,
                                 signed with AWS credentials; --expires 5m: for how long

Any WebSocket
  kaiwa raw URL                  type messages, see what comes; JSON may take many lines.
                                 HOST:PORT/PATH stands for ws://HOST:PORT/PATH
  kaiwa raw URL MESSAGE...       sends these; prints what comes until 2 s are quiet
  kaiwa raw URL < messages       likewise
  kaiwa raw --listen PORT        waits for somebody to connect, and talks to them
  --wait-for 3|2s|TEXT|/RE/|close
                   until 3 messages came, 2 s are quiet, TEXT came, something that
                   matches RE came, the other side has closed the connection
  --time           the time before each message
  --json           each message as one line of JSON, with the time
  -s NAME          a subprotocol to ask for; repeatable
  --auth NAME:PASSWORD           basic authentication
  -P               tells about ping frames, and how long pongs took
  --ping-frame 30s sends a ping frame so often; without a pong in 30 s it is over
  --ping 5m        sends {"action":"ping"} so often (here: default never)
  --slash          /ping and /close [CODE [REASON]] are commands

Settings: flags, else variables (KAIWA_URL, KAIWA_TOKEN, KAIWA_TOKEN_COMMAND, and so
on), else ~/.config/kaiwa/config with lines like "url = wss://…", "token-command = …",
"header = Name: value", after a line [NAME] for that profile only. What lets you in at
one host is not sent to another.
  kaiwa help                     this
  kaiwa version, or --version    what was built, with what
  kaiwa config show              what is set, and from where
  kaiwa completion bash|zsh|fish a script that completes kaiwa's command lines

Examples
  kaiwa "what is a fence?"
  git diff | kaiwa -p "write a commit message" > message.txt
  kaiwa -x -p "a Go program that prints hello" > hello.go
  kaiwa --json -p hi | jq .usage.outputTokens
  kaiwa --token-command "op read op://work/chat/token" wss://chat.example.com/prod
  kaiwa --sigv4 wss://ID.execute-api.eu-west-1.amazonaws.com/prod
  wscat -c "$(kaiwa url --presign wss://ID.execute-api.eu-west-1.amazonaws.com/prod)"
  kaiwa -c "and in Japanese?"
  kaiwa raw wss://echo.example.com '{"a":1}' --wait-for 1

Exit codes: 0 reply complete, 1 error from the service, 2 usage, 3 not
authorised, 4 cannot connect, 5 timeout, or lost before the end, 6 refused (busy,
rate limit), 130 stopped by ^C.
`
