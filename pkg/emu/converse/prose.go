package converse

// english and japanese are what the demo model talks about. Some sentences carry what breaks careless code: numbers with
// a full stop inside, quotation marks, a combining accent, emoji joined by ZWJ, a voiced sound mark of its own.

var english = []string{
	"A conversation is a walk that two people take without a map.",
	"The first word is the hardest, and the second one only has to follow it.",
	"Most of what we call thinking is remembering in a useful order.",
	"Rain had been falling since the morning, so the harbour was quiet.",
	"She poured the tea slowly, because there was no reason to hurry.",
	"Every stream begins as a thin line of water somewhere above the trees.",
	"If a message is lost, somebody has to notice, and somebody has to ask again.",
	"The old clock in the station was wrong by exactly seven minutes, and everybody knew it.",
	"Numbers help: about 3.5 words a second is a comfortable pace for reading.",
	"Have you ever tried to explain the colour blue to a friend on the telephone?",
	"\"Write it down,\" said the captain, \"or it never happened!\"",
	"A good letter answers the question that was not asked.",
	"Between two mountains there is always a road, although it may be a long one.",
	"The café\u0301 on the corner closes at nine – earlier when it snows.",
	"Bread needs flour, water, salt and time; of these only time is hard to find.",
	"We counted twelve boats, two gulls and one very patient cat.",
	"It is easier to change a plan than to explain why there was none.",
	"Light travels far, sound travels slowly, and gossip arrives before both.",
	"Somebody had left a lantern in the window 🏮 and the whole street looked warmer.",
	"The library keeps its best books on the lowest shelf, where children can reach them.",
	"After the third attempt the engine started, coughed twice and went on as if nothing had happened.",
	"What remains is simple: say what you know, say what you do not know, and stop.",
	"The engineers 👩\u200d💻 and the gardeners 🧑\u200d🌾 agreed that patience is a kind of maintenance.",
	"In the evening the wind turned, and the town smelled of salt and oranges.",
}

var japanese = []string{
	"会話とは、地図を持たずに二人で歩く散歩のようなものです。",
	"最初の一言がいちばん難しく、二つ目の言葉はただ後に続くだけです。",
	"朝から雨が降っていたので、港はとても静かでした。",
	"急ぐ理由もないので、彼女はゆっくりとお茶をいれました。",
	"どんな川も、森の上のどこかで細い水の筋として始まります。",
	"メッセージが失われたら、誰かが気づいて、もう一度たずねなければなりません。",
	"駅の古い時計はちょうど七分遅れていて、町の人はみなそれを知っていました。",
	"一秒に 3.5 語くらいが、読むのにちょうどよい速さだと言われています。",
	"電話で友だちに「青」という色を説明したことがありますか？",
	"「書いておきなさい。書かなければ、なかったことになる！」と船長は言いました。",
	"よい手紙は、聞かれなかった質問にも答えています。",
	"二つの山の間には、遠回りでも必ず道があります。",
	"角の喫茶店は九時に閉まります。雪の日はもう少し早いです。",
	"パンに必要なのは小麦粉と水と塩と時間で、足りないのはいつも時間です。",
	"数えてみると、舟が十二そう、カモメが二羽、そしてとても辛抱強い猫が一匹いました。",
	"計画を変えるのはやさしく、なかった理由を説明するのは難しいものです。",
	"窓辺にちょうちん🏮が置いてあり、通り全体が暖かく見えました。",
	"図書館では、いちばんよい本を子どもの手が届く棚に置いています。",
	"三度目でエンジンがかかり、二回せきをして、何事もなかったように回り続けました。",
	"プログラマー👩\u200d💻も農家🧑\u200d🌾も、忍耐は手入れの一種だと言います。",
	"家族👨\u200d👩\u200d👧\u200d👦そろって、か\u3099っこうの声を聞きに行きました。",
	"知っていることを言い、知らないことも言って、そこで終わればよいのです。",
	"夕方になると風向きが変わり、町は潮とみかんの香りに包まれました。",
	"ストリーミングでは、言葉は届いた順に画面へ流れていきます。",
}

// escapes are characters that JSON must or may escape: most grow from one byte to six, as \u0001 does.
var escapes = []rune("\x00\x01\x02\x03\x04\x05\x06\x07\x0b\x0e\x0f\x10\x1b\x1e\x1f\"\\\b\f\n\r\t\u2028\u2029<>&\x7f")
