rule a{condition:(filesize)>0	and
(filesize)<9}rule b{strings:$a="aaaa"wide condition:$a}
