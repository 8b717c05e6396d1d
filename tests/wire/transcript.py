"""What is said to memcached and to tlscached: every command and flag, error lines, odd spacing.

A case is (title, steps) on a connection of its own; each step is sent in one piece. In a step,
`$CAS` stands for the CAS value that this server told last and `$OLD` for the one before. Keys are
told apart by case, so that cases do not touch each other.
"""

CRLF = b"\r\n"


def lines(*commands):
    """Steps of one command line each."""
    return [command.encode() + CRLF for command in commands]


def store(command, data=b"x"):
    return command.encode() + CRLF + data + CRLF


K250 = "k" * 250
BIG = b"v" * 16384


# memcached drops the replies to earlier commands when a key list has a faulty key (a listed difference), so these
# cases are not sent in one piece.
ONE_BY_ONE = {"long keys"}

CASES = [
    ("set and get", [store("set a1 0 0 1"), b"get a1\r\n", b"gets a1\r\n", store("set a1 5 0 3", b"abc"),
                     b"get a1\r\n", store("set a1 4294967295 0 0", b""), b"get a1\r\n"]),
    ("values hold any byte", [store("set a2 0 0 256", bytes(range(256))), b"get a2\r\n",
                              store("set a2 0 0 6", b"\r\nEND\r"), b"get a2\r\n",
                              store("set a2 0 0 12", b"\r\nflush_all\r"), b"get a2\r\n"]),
    ("add and replace", [store("add b1 1 0 1", b"1"), store("add b1 2 0 1", b"2"), b"get b1\r\n",
                         store("replace b1 3 0 1", b"3"), b"get b1\r\n", store("replace b2 0 0 1"), b"get b2\r\n"]),
    ("append and prepend", [store("append c1 0 0 1"), store("prepend c1 0 0 1"), store("set c1 7 0 2", b"mm"),
                            store("append c1 9 9 2", b"zz"), store("prepend c1 9 9 2", b"aa"), b"get c1\r\n",
                            store("append c1 0 0 0", b""), b"get c1\r\n"]),
    ("cas", [store("cas d1 0 0 1 5"), store("set d1 0 0 1", b"1"), b"gets d1\r\n", store("cas d1 0 0 1 $CAS", b"2"),
             b"gets d1\r\n", store("cas d1 0 0 1 $OLD", b"3"), b"get d1\r\n", store("cas d1 0 0 1 0", b"4"),
             store("cas d1 0 0 1 $CAS noreply", b"5"), b"get d1\r\n"]),
    ("many keys", [store("set e1 0 0 1", b"1"), store("set e2 0 0 1", b"2"), b"get e1 nothing e2\r\n",
                   b"gets e1 e2\r\n", b"get e1 e1 e1\r\n", b"get  e1   e2  \r\n", b" get e1\r\n", b"get e2\n",
                   b"get " + b" ".join(b"miss%d" % i for i in range(300)) + b" e1\r\n"]),
    ("gat and touch", [store("set f1 3 0 1"), b"gat 100 f1\r\n", b"mg f1 t\r\n", b"gats 0 f1 f2\r\n", b"mg f1 t\r\n",
                       b"touch f1 50\r\n", b"mg f1 t\r\n", b"touch f2 50\r\n", b"touch f1 0 noreply\r\n", b"mg f1 t\r\n",
                       b"gat 100 f2\r\n", b"gat 5\r\n", b"gat x f1\r\n", b"gat\r\n", b"gat 0 f1 noreply\r\n",
                       b"touch f1 -1\r\n", b"get f1\r\n"]),
    ("expiry", [store("set g1 0 -1 1"), b"get g1\r\n", store("set g1 0 2592000 1"), b"mg g1 t\r\n",
                store("set g1 0 1000 1"), b"mg g1 t\r\n", store("set g1 0 2592001 1"), b"get g1\r\n",
                store("set g1 0 1 1 noreply"), b"mg g1 v\r\n", store("set g1 0 $SOON 1"), b"mg g1 t\r\n"]),
    ("incr and decr", [b"incr h1 1\r\n", b"decr h1 1\r\n", store("set h1 0 0 2", b"10"), b"incr h1 5\r\n", b"decr h1 6\r\n",
                       b"get h1\r\n", b"decr h1 100\r\n", b"get h1\r\n", b"incr h1 18446744073709551615\r\n",
                       b"incr h1 2\r\n", b"incr h1 18446744073709551616\r\n", b"incr h1 -1\r\n", b"incr h1 x\r\n",
                       b"incr h1 1 noreply\r\n", b"get h1\r\n", store("set h2 0 0 1"), b"incr h2 1\r\n", b"decr h2 1\r\n",
                       store("set h3 0 0 0", b""), b"incr h3 1\r\n", store("set h4 9 0 2", b"99"), b"incr h4 1\r\n",
                       b"get h4\r\n", b"incr h1\r\n", b"incr\r\n", b"incr h1 1 2 3\r\n", b"incr h4 1 noreply\r\n",
                       store("set h5 0 0 20", b"18446744073709551615"), b"incr h5 1\r\n", b"get h5\r\n",
                       store("set h6 0 0 21", b"184467440737095516160"), b"incr h6 1\r\n"]),
    ("delete", [store("set i1 0 0 1"), b"delete i1\r\n", b"delete i1\r\n", b"delete i1 0\r\n", store("set i1 0 0 1"),
                b"delete i1 0\r\n", b"delete i1 1\r\n", b"delete i1 0 noreply\r\n", b"delete i1 noreply\r\n", b"delete i1 x\r\n",
                b"delete i1 0 x\r\n", b"delete i1 0 1 2\r\n", b"delete\r\n", b"delete i1 x noreply\r\n"]),
    ("verbosity and version", lines("verbosity 1", "verbosity 0", "verbosity 0 noreply", "verbosity x", "verbosity",
                                    "verbosity 1 2 3", "verbosity noreply", "verbosity 99", "verbosity 0")),
    ("other lines", lines("", " ", "foo", "foo bar", "GET a", "get", "gets", "get ", "x", "mn", "mn x y", "mq", "shutdown",
                          "shutdown graceful", "shutdown x", "stats nosuch", "versionx", "quitx", "touch", "touch a",
                          "touch a x", "touch a 1 2 3", "touch a x noreply", "mx a")),
    ("bare line feeds", [b"set j1 0 0 1\nx\r\n", b"get j1\n", b"\n", b"mn\n"]),
    ("a carriage return inside a line", [store("set j2\rb 0 0 1"), b"get j2\rb\r\n", b"get j2 \r\n"]),
    ("flush_all", [store("set l1 0 0 1"), b"flush_all\r\n", b"get l1\r\n", b"flush_all 0\r\n", b"flush_all -1\r\n",
                   b"flush_all noreply\r\n", b"flush_all 0 noreply\r\n", b"flush_all x\r\n", b"flush_all x noreply\r\n",
                   b"flush_all 0 x\r\n", b"flush_all 1 2 3\r\n"]),
    ("long keys", [store("set " + K250 + " 0 0 1"), b"get " + K250.encode() + b"\r\n", b"get " + K250.encode() + b"k\r\n",
                   b"gets " + K250.encode() + b"k\r\n", b"touch " + K250.encode() + b"k 0\r\n",
                   b"incr " + K250.encode() + b"k 1\r\n", b"delete " + K250.encode() + b"k\r\n",
                   b"mg " + K250.encode() + b" v k\r\n", b"mg " + K250.encode() + b"k v\r\n", b"md " + K250.encode() + b"k\r\n",
                   b"ma " + K250.encode() + b"k\r\n", b"me " + K250.encode() + b"k\r\n", b"delete " + K250.encode() + b"\r\n"]),
    ("noreply everywhere", [store("set m1 0 0 1 noreply"), store("add m1 0 0 1 noreply"), store("replace m1 0 0 1 noreply", b"2"),
                            store("append m1 0 0 1 noreply", b"3"), store("prepend m1 0 0 1 noreply", b"1"), b"get m1\r\n",
                            b"delete m1 noreply\r\n", b"get m1\r\n", b"incr m1 1 noreply\r\n", b"touch m1 1 noreply\r\n",
                            store("cas m1 0 0 1 1 noreply"), b"decr m1 x noreply\r\n"]),
    ("noreply is only the last word", [store("set m2 0 0 1 noreplyx"), b"get m2\r\n", b"delete m2 noreplyx\r\n"]),
    ("the largest value and one more line", [store("set n1 0 0 16384", BIG), b"get n1\r\n", store("set n1 0 0 16383", BIG[1:]),
                                             b"mg n1 s\r\n"]),
    ("pipelined", [store("set o1 0 0 1") + b"get o1\r\n" + store("set o2 0 0 2", b"yy") + b"get o1 o2\r\ndelete o1\r\nget o1\r\n",
                   b"get o2\r\n" * 100, b"".join(store("set o3 0 0 3 noreply", b"%03d" % i) for i in range(200)) + b"get o3\r\n",
                   b"mg o3 v\r\nmg o4 v\r\nmn\r\nget o3\r\nmg o3 v q\r\n"]),
    ("trailing blanks as httpd sends them", [store("set p1 0 299 1 "), b"get p1 \r\n", b"delete p1 0 \r\n"]),
    # meta
    ("mg", [store("set q1 5 100 3", b"abc"), b"mg q1\r\n", b"mg q1 v\r\n", b"mg q1 s v f\r\n", b"mg q1 k O123 v\r\n", b"mg q1 t f s k\r\n",
            b"mg q2\r\n", b"mg q2 v\r\n", b"mg q2 k O9\r\n", b"mg q2 q\r\n", b"mg q1 q\r\n", b"mg q2 k q v\r\n", b"mg\r\n",
            b"mg q1 v v\r\n", b"mg q1 Z\r\n", b"mg q1 !\r\n", b"mg q1 \xff\r\n", b"mg  q1  v   k \r\n", b"mg q1 P1 L2 v\r\n",
            b"mg q1 O" + b"o" * 31 + b"\r\n", b"mg q1 O" + b"o" * 32 + b" v\r\n", b"mg q2 O" + b"o" * 32 + b" v\r\n",
            b"mg q1 k " + b"O v s t c f h l N R T q u I P L".replace(b"O ", b"") + b"\r\n"]),
    ("mg tells hits and last access", [store("set r1 0 0 1"), b"mg r1 h l\r\n", b"mg r1 h\r\n", b"mg r1 h u\r\n", store("set r1 0 0 1"),
                                       b"mg r1 h u\r\n", b"mg r1 h\r\n", b"mg r1 h l v\r\n"]),
    ("mg c", [store("set s1 0 0 1"), b"mg s1 c\r\n", store("cas s1 0 0 1 $CAS", b"2"), b"mg s1 c v\r\n",
              store("ms s1 1 C$OLD", b"3"), store("ms s1 1 C$CAS c", b"4"), b"mg s1 c v\r\n"]),
    ("mg T", [store("set t1 0 0 1"), b"mg t1 T100\r\n", b"mg t1 t\r\n", b"mg t1 T30 t\r\n", b"mg t1 Tx\r\n", b"mg t1 T\r\n",
              b"mg t2 T30\r\n", b"mg t1 T0 t\r\n", b"mg t1 T-1\r\n", b"mg t1 v\r\n"]),
    ("mg N", [b"mg u1 N60 v t\r\n", b"mg u1 N60 v t\r\n", b"mg u1 v\r\n", store("ms u1 1 T50"), b"mg u1 N60 v t\r\n",
              b"mg u2 N0 t\r\n", b"mg u2 t s\r\n", b"mg u3 Nx\r\n", b"mg u4 N30 k O5 f s c\r\n", b"mg u5 N60 q\r\n"]),
    ("mg R", [store("set v1 0 50 1"), b"mg v1 R30 v\r\n", b"mg v1 R100 v\r\n", b"mg v1 R100 v\r\n", b"mg v1 v\r\n", store("set v1 0 50 1"),
              b"mg v1 R100\r\n", store("set v2 0 0 1"), b"mg v2 R100\r\n", b"mg v3 R100\r\n", b"mg v1 R\r\n", b"mg v1 R0\r\n",
              b"mg v1 R-1\r\n"]),
    ("ms", [store("ms w1 1"), b"get w1\r\n", store("ms w1 2 T90 F7", b"ab"), b"mg w1 t f v\r\n", store("ms w1 1 k O77"),
            store("ms w1 1 q"), store("ms w1 1 q k O1"), store("ms w1 0", b""), b"mg w1 v\r\n", store("ms w1 1 S9"),
            store("ms w1 1 T1 T2"), store("ms w1 1 Tx"), store("ms w1 1 Fx"), store("ms w1 1 Cx"), store("ms w1 1 Mxx"),
            store("ms w1 1 M"), store("ms w1 1 MX"), store("ms w1 1 O" + "o" * 32), store("ms w1 1 I"), store("ms w1 1 s"),
            store("ms w1 1 b"), store("ms w1 1 F7 Tx MXX"), b"mg w1 v f\r\n"]),
    ("ms modes", [store("ms x1 1 MR"), store("ms x1 1 MA"), store("ms x1 1 MP"), store("ms x1 1 ME", b"m"), store("ms x1 1 ME"),
                  store("ms x1 1 MA", b"z"), store("ms x1 1 MP", b"a"), b"mg x1 v\r\n", store("ms x1 1 MR", b"r"), b"mg x1 v\r\n",
                  store("ms x1 1 MS", b"s"), b"mg x1 v\r\n", store("ms x1 1 MA q", b"t"), store("ms x2 1 MA q"), store("ms x1 1 ME q")]),
    ("ms C", [store("ms y1 1 C5"), store("ms y1 1"), store("ms y1 1 C5"), b"mg y1 c\r\n", store("ms y1 1 C$CAS c", b"2"), b"mg y1 v\r\n",
              b"mg y1 c\r\n", store("ms y1 1 MR C$CAS", b"3"), b"mg y1 c\r\n", store("ms y1 1 MA C$CAS", b"4"), store("ms y1 1 MA C1", b"5"),
              b"mg y1 c v\r\n", store("ms y1 1 ME C$CAS", b"6"), store("ms y2 1 MR C5"), store("ms y2 1 MA C5"), store("ms y1 1 C0"),
              store("ms y1 1 c C1")]),
    ("stale by md I", [store("ms z1 1 T100"), b"md z1 I T30\r\n", b"mg z1 v t\r\n", b"mg z1 v\r\n", b"mg z1 v\r\n", store("ms z1 1", b"n"),
                       b"mg z1 v t\r\n", b"md z1 I\r\n", b"mg z1\r\n", b"md z1 I\r\n", b"mg z1 k\r\n", b"get z1\r\n", b"md z1 I q\r\n",
                       b"mg z1 u\r\n"]),
    ("stale by ms I", [store("ms za 1 T100", b"1"), b"mg za c\r\n", b"md za I T50\r\n", b"mg za c v\r\n", store("ms za 1 I C$OLD T80", b"2"),
                       b"mg za c v t\r\n", b"mg za v\r\n", b"mg za c\r\n", store("ms za 1 I C$CAS", b"3"), b"mg za v\r\n", store("ms zb 1 I C1")]),
    ("md", [b"md zc\r\n", store("ms zc 1"), b"md zc\r\n", b"mg zc\r\n", b"md zc q\r\n", store("ms zc 1"), b"md zc q\r\n", b"md zc k O3\r\n",
            store("ms zc 1"), b"md zc k O3\r\n", store("ms zc 1"), b"md zc C1\r\n", b"mg zc c\r\n", b"md zc C$CAS\r\n", b"md\r\n", b"md zc v v\r\n",
            b"md zc Y\r\n", b"md zc Cx\r\n", b"md zc O" + b"o" * 32 + b"\r\n", b"md zc T30\r\n", store("ms zc 1"), b"md zc T30 q\r\n",
            store("ms zc 1"), b"mg zc c\r\n", b"md zc C$CAS q\r\n", store("ms zc 1"), b"md zc q C1\r\n"]),
    ("ma", [b"ma zd\r\n", b"ma zd q\r\n", b"ma zd k O5\r\n", b"ma zd N60 J13 v t\r\n", b"ma zd v\r\n", b"ma zd D10 v\r\n", b"ma zd MD v\r\n", b"ma zd M- D100 v\r\n",
            b"ma zd MI D7 v k O8\r\n", b"ma zd M+ v\r\n", b"ma zd\r\n", b"ma zd q\r\n", b"ma zd v q\r\n", b"ma zd T30 t\r\n", b"ma zd t\r\n", b"ma zd Dx\r\n", b"ma zd Jx\r\n",
            b"ma zd MX\r\n", b"ma zd v v\r\n", b"ma\r\n", store("ms ze 1"), b"ma ze\r\n", b"ma zd C1 v\r\n", b"ma zd c\r\n", b"ma zd C$CAS v\r\n",
            b"ma zf N0 v t\r\n", b"ma zg N60 J99 D5 v\r\n", b"get zg\r\n", b"ma zd c\r\n", b"ma zd C0 v\r\n"]),
    ("me", [b"me zh\r\n", store("ms zh 3", b"abc"), b"me zh\r\n", b"mg zh v\r\n", b"me zh\r\n", b"me\r\n", store("ms zh 1 T100"), b"me zh x y\r\n",
            b"me !! b\r\n"]),
    ("base64 keys", [store("ms Zm9vYmFy 3 b", b"abc"), b"mg Zm9vYmFy b v k\r\n", b"mg Zm9vYmFy v\r\n", b"mg Zm9vYmFy k b O1\r\n", b"mg Zm9vYmFy q b v\r\n",
                     b"get foobar\r\n", store("ms Zm8= 1 b k O4"), b"mg Zg== b k\r\n", store("ms Zg== 2 b", b"ff"), b"mg Zg== b k s\r\n",
                     b"ma Zm9vYmFy b\r\n", b"md Zm9vYmFy b k\r\n", b"md Zm9vYmFy b k\r\n", b"mg A b\r\n", b"mg AA b\r\n", b"md ABC b\r\n",
                     store("ms ABC 1 b"), b"ma ABCDE b\r\n", b"me ABC b\r\n", b"me Zm8= b\r\n", b"ma Zm5u b N30 J5 v k\r\n", b"mg b b\r\n"]),
    ("many flags", [b"mg zi N9 R9 T9 k s t c f h l v q u P L O1\r\n", b"mg zi N9 R9 T9 k s t c f h l v q u P L O1 F1\r\n",
                    b"mg zi N9 R9 T9 k s t c f h l v q u P L O1 F1 D1\r\n", b"md zi N9 R9 T9 k s t c f h l v q u P L O1 F1 D1\r\n",
                    b"ma zi N9 R9 T9 k s t c f h l v q u P L O1 F1 D1\r\n", b"ma zk N9 R9 T9 k s t c f h l v u P L O1 F1\r\n"]),
    ("numbers that are text", [store("set zl 0 0 4", b"10 x"), b"incr zl 1\r\n", b"get zl\r\n", store("set zl 0 0 2", b" 7"), b"incr zl 1\r\n",
                               b"get zl\r\n", store("set zl 0 0 2", b"-1"), b"incr zl 1\r\n", store("set zl 0 0 2", b"+9"), b"incr zl 1\r\n",
                               b"get zl\r\n", store("set zl 0 0 3", b"007"), b"decr zl 1\r\n", b"get zl\r\n", store("set zl 0 0 4", b"0x10"),
                               b"incr zl 1\r\n", store("set zl 0 0 3", b"1.5"), b"incr zl 1\r\n", store("set zl 0 0 3", b"5\r\n"), b"incr zl 1\r\n",
                               store("set zl +5 +0 +1"), b"get zl\r\n", store("set zl 05 0 01"), b"get zl\r\n"]),
    # endings
    ("quit", [b"quit\r\n"]),
    ("quit with a blank", [b"quit \r\n"]),
    ("quit with more behind it", [b"quit\r\nget a\r\n"]),
    ("quit with an argument", [b"quit now\r\n"]),
    ("a browser", [b"GET / HTTP/1.1\r\n"]),
]
