global private rule both : first second { condition: filesize > 0 }
private global rule otherwise { condition: filesize > 0 }
global rule everywhere { condition: filesize > 0 }
private rule unseen { condition: filesize > 0 }
