/** Pages as the web has them, in English and German: what a reader came for must stay, what is around it must go. */

export interface PageCase {
  name: string
  html: string
  stay: string[]
  go: string[]
}

const cookieEn = `<div id="cookie-consent" class="cc-window" role="dialog"><p>We value your privacy. We and our 184 partners store and access information on a device, such as cookies, and process personal data for personalised ads and content measurement. You can change your mind at any time.</p><button>Accept all</button> <a href="/privacy">Privacy policy</a></div>`
const cookieDe = `<div class="usercentrics-banner"><div><h2>Wir respektieren Ihre Privatsphäre</h2><p>Diese Website verwendet Cookies und ähnliche Technologien, um Inhalte zu personalisieren und die Zugriffe auf unsere Website zu analysieren. Ihre Einwilligung können Sie jederzeit widerrufen.</p><a href="#">Alle akzeptieren</a></div></div>`

const page = (lang: string, title: string, body: string, bodyClass = '') =>
  `<!doctype html><html lang="${lang}"><head><meta charset="utf-8"><title>${title}</title><meta name="description" content="${title}"></head><body class="${bodyClass}">${body}</body></html>`

export const pages: PageCase[] = [
  {
    name: 'news article, English, semantic tags',
    html: page(
      'en',
      'Harbour bridge to close for nine weeks | Northport Courier',
      `${cookieEn}<a class="skip-link" href="#c">Skip to content</a>
<header class="site-header"><a href="/">Northport Courier</a><nav><ul><li><a href="/n">News</a><li><a href="/s">Sport</a><li><a href="/w">Weather</a></ul></nav></header>
<main id="c"><article><header><p class="kicker">Transport</p><h1>Harbour bridge to close for nine weeks</h1><p class="standfirst">Buses will be diverted through the tunnel while engineers replace the expansion joints, the council said.</p>
<div class="byline">By <a href="/a/1">Mara Quill</a>, transport correspondent</div><ul class="share-tools"><li><a href="#">Share on Facebook</a><li><a href="#">Copy link</a></ul></header>
<figure><img src="b.jpg"><figcaption>The bridge opened in 1961. <span class="credit">Photograph: T. Boyle</span></figcaption></figure>
<p>The harbour bridge will be closed to all traffic from 3 March, the city council confirmed on Tuesday.</p>
<p>About 41,000 vehicles cross the bridge on a weekday, more than twice as many as it was designed for.</p>
<aside class="inline-related"><h3>More on this story</h3><a href="/x">Why the tunnel floods every winter</a></aside>
<div class="ad-slot"><p>Advertisement</p></div>
<p>"We looked at closing one lane at a time," said the chief engineer, Ruth Adeyemi, "but that would have taken <a href="/y">eleven months</a>."</p>
<h2>What drivers should do</h2><p>Drivers are advised to use the ring road; the toll there is suspended until the end of May.</p>
<div class="tags">Topics: <a href="/t/1">Bridges</a> <a href="/t/2">Northport</a></div></article>
<section class="related-stories"><h2>Related stories</h2><div class="card"><a href="/1"><h3>Ferry fares to rise again in spring</h3></a><p>The operator blames the price of fuel for the second increase this year.</p></div><div class="card"><a href="/2"><h3>Cycle path finished two years late</h3></a><p>Residents of the east bank had nearly given up hope.</p></div></section>
<section id="comments"><h2>Comments (2)</h2><div class="comment"><p>Nine weeks, I will believe that when I see it.</p></div><div class="comment"><p>Finally! The joints rattle all night long.</p></div></section></main>
<footer><p>© 2025 Northport Courier. All rights reserved.</p><a href="/imp">Contact us</a></footer>`,
    ),
    stay: [
      'Harbour bridge to close for nine weeks',
      'Buses will be diverted through the tunnel',
      'closed to all traffic from 3 March',
      'About 41,000 vehicles cross',
      'eleven months',
      'the toll there is suspended',
    ],
    go: [
      'We value your privacy',
      'Copy link',
      'Why the tunnel floods',
      'Ferry fares to rise',
      'The operator blames',
      'I will believe that when',
      'All rights reserved',
      'Related stories',
    ],
  },
  {
    name: 'Zeitungsartikel ohne semantische Tags',
    html: page(
      'de',
      'Stadtrat stimmt für neues Freibad - Moorbacher Anzeiger',
      `${cookieDe}<div id="page"><div id="top"><div class="logo">Moorbacher Anzeiger</div><div class="hauptnavigation"><a href="/">Start</a> <a href="/l">Lokales</a> <a href="/s">Sport</a> <a href="/abo">Abo</a></div></div>
<div class="brotkrumen"><a href="/">Start</a> &gt; <a href="/l">Lokales</a> &gt; Freibad</div>
<div class="spalten"><div class="inhalt"><div class="dachzeile">Kommunalpolitik</div><h1>Stadtrat stimmt für neues Freibad</h1><div class="vorspann">Nach drei Jahren Streit ist die Entscheidung gefallen: Das alte Bad am Mühlweg wird abgerissen.</div>
<div class="absatz">Mit 21 zu 14 Stimmen hat der Stadtrat am Montagabend den Neubau beschlossen.</div>
<div class="absatz">Die Kosten schätzt die Verwaltung auf 12,4 Millionen Euro, ein Drittel davon trägt das Land.</div>
<div class="lesetipp"><a href="/a">Lesen Sie auch: Warum die Sanierung der Sporthalle teurer wird</a></div>
<div class="absatz">Bürgermeisterin Jutta Brandl sprach von einem guten Tag für die Familien der Stadt.</div>
<div class="teilen"><span>Artikel teilen</span> <a href="#">Facebook</a> <a href="#">WhatsApp</a></div></div>
<div class="rechts"><div class="kasten"><h3>Meistgelesen</h3><ul><li><a href="/1">Unfall auf der B 12 fordert zwei Verletzte</a></li><li><a href="/2">Bäckerei Huber schließt nach 90 Jahren</a></li></ul></div><div class="werbung">Anzeige: Küchen vom Fachmann, jetzt 30 Prozent sparen.</div></div></div>
<div id="fuss">Impressum | Datenschutz | Mediadaten</div></div>`,
    ),
    stay: [
      'Stadtrat stimmt für neues Freibad',
      'Nach drei Jahren Streit',
      'Mit 21 zu 14 Stimmen',
      '12,4 Millionen Euro',
      'guten Tag für die Familien',
    ],
    go: [
      'verwendet Cookies',
      'Warum die Sanierung',
      'Bäckerei Huber',
      'Küchen vom Fachmann',
      'Artikel teilen',
      'Mediadaten',
      'Lokales > Freibad',
    ],
  },
  {
    name: 'WordPress blog with long comments below a short post',
    html: page(
      'en',
      'Repotting a monstera – The Windowsill',
      `<div id="page" class="site"><header id="masthead" class="site-header"><h1 class="site-title"><a href="/">The Windowsill</a></h1><nav class="main-navigation"><a href="/about">About</a></nav></header>
<div id="content" class="site-content"><div id="primary"><main id="main"><article id="post-77" class="post type-post hentry category-plants tag-monstera"><header class="entry-header"><h1 class="entry-title">Repotting a monstera</h1><div class="entry-meta">Posted on <time>May 3, 2021</time> by <a href="/author/lee">Lee</a></div></header>
<div class="entry-content"><p>Spring is the time to give a monstera a larger pot, two inches wider than the old one.</p><p>I mix three parts of peat-free compost with one part of orchid bark and a handful of perlite.</p><p>Water it once, then leave it alone for ten days; the roots need air more than anything.</p><div class="sharedaddy sd-sharing"><h3>Share this:</h3><ul><li><a href="#">Twitter</a></li></ul></div><div id="jp-relatedposts" class="jp-relatedposts"><h3>Related</h3><a href="/p/1">Five plants that survive an office</a></div></div>
<footer class="entry-footer">Posted in <a href="/c">Plants</a> Tagged <a href="/t">monstera</a></footer></article>
<nav class="post-navigation"><a href="/prev">Previous: The trouble with fungus gnats</a></nav>
<div id="comments" class="comments-area"><h2>12 thoughts on “Repotting a monstera”</h2><ol class="comment-list">${[
        'Thank you so much for this, I have killed two of these plants already and now I finally know why they never had a chance.',
        'My grandmother always put broken pots at the bottom of hers, and the plant was older than me when she gave it away last year.',
        'Does this hold for the variegated kind as well? Mine is the size of a thumb and cost me more than my bicycle did.',
      ]
        .map(
          (words, i) =>
            `<li class="comment"><article class="comment-body"><footer class="comment-meta">Reader ${i} says:</footer><p>${words}</p><a href="#">Reply</a></article></li>`,
        )
        .join(
          '',
        )}</ol><div id="respond" class="comment-respond"><h3>Leave a Reply</h3><form><p>Your email address will not be published.</p></form></div></div></main></div>
<aside id="secondary" class="widget-area"><section class="widget widget_recent_entries"><h2>Recent Posts</h2><ul><li><a href="/r">Ten ferns for dark corners</a></li></ul></section></aside></div>
<footer id="colophon" class="site-footer">Proudly powered by WordPress</footer></div>`,
      'post-template-default single single-post has-sidebar',
    ),
    stay: [
      'Repotting a monstera',
      'two inches wider than the old one',
      'a handful of perlite',
      'roots need air more than anything',
    ],
    go: [
      'killed two of these plants',
      'My grandmother always',
      'Five plants that survive',
      'fungus gnats',
      'Your email address',
      'Ten ferns',
      'Proudly powered',
      'Share this',
    ],
  },
  {
    name: 'documentation page with two sidebars',
    html: page(
      'en',
      'Connection pooling – Quill DB docs',
      `<div class="navbar"><a href="/">Quill DB</a><a href="/docs">Docs</a><input type="search"></div><div class="layout"><div class="sidebar-left"><ul><li><a href="/i">Installation</a><li><a href="/q">Quick start</a><li class="active"><a href="/p">Connection pooling</a><li><a href="/b">Backups</a></ul></div>
<div class="content-with-sidebar"><div class="markdown"><h1>Connection pooling<a class="anchor" href="#top">#</a></h1><p>A pool keeps connections open and lends them to requests, which saves the 40 ms of a handshake.</p><h2 id="size"><a href="#size">Choosing a size</a></h2><p>Begin with twice the number of cores and measure.</p><pre><code>const pool = openPool({ size: 8, idleMs: 30_000 })
await pool.query('select 1')</code></pre><table><thead><tr><th>Option</th><th>Default</th></tr></thead><tbody><tr><td>size</td><td>10</td></tr><tr><td>idleMs</td><td>60000</td></tr></tbody></table>
<h2>Limits</h2><ul><li>At most 500 connections a node.</li><li>A transaction holds its connection until it ends.</li></ul><div class="admonition warning"><p>Never share a connection between threads.</p></div></div>
<div class="pagination-nav"><a href="/q">Previous: Quick start</a><a href="/b">Next: Backups</a></div><div class="edit-this-page"><a href="/e">Edit this page on the forge</a></div></div>
<div class="table-of-contents"><p>On this page</p><ul><li><a href="#size">Choosing a size</a></li><li><a href="#limits">Limits</a></li></ul></div></div><footer>Built with care</footer>`,
    ),
    stay: [
      'saves the 40 ms of a handshake',
      'Choosing a size',
      'Begin with twice the number of cores',
      "await pool.query('select 1')",
      'Option: idleMs | Default: 60000',
      'At most 500 connections',
      'Never share a connection',
    ],
    go: ['Installation', 'Next: Backups', 'Edit this page', 'On this page', 'Built with care'],
  },
  {
    name: 'Forum, Tabellenlayout',
    html: page(
      'de',
      'Heizung gluckert seit gestern - Haustechnik-Forum',
      `<table width="100%"><tr><td class="logo">Haustechnik-Forum</td><td class="menu"><a href="/">Übersicht</a> <a href="/reg">Registrieren</a> <a href="/faq">FAQ</a></td></tr></table>
<div class="navbar"><a href="/">Forum</a> » <a href="/f2">Heizung</a></div><h2>Heizung gluckert seit gestern</h2>
<table class="forumline"><tr><th>Autor</th><th>Nachricht</th></tr>
<tr><td class="name">frostbeule<br>Beiträge: 14</td><td class="postbody">Hallo zusammen, seit gestern gluckert der Heizkörper im Schlafzimmer und wird oben nicht mehr warm. Entlüftet habe ich schon zweimal.</td></tr>
<tr><td class="name">meister_egon<br>Beiträge: 3201</td><td class="postbody">Dann fehlt vermutlich Wasser in der Anlage. Schau aufs Manometer: unter 1,2 bar musst du nachfüllen, im Einfamilienhaus reichen 1,5 bar.</td></tr>
<tr><td class="name">frostbeule<br>Beiträge: 15</td><td class="postbody">Du hattest recht, es waren nur noch 0,7 bar. Nach dem Nachfüllen ist Ruhe, vielen Dank!</td></tr></table>
<div class="copyright">Powered by phpBB © 2001, 2005 phpBB Group</div>`,
    ),
    stay: [
      'gluckert der Heizkörper im Schlafzimmer',
      'unter 1,2 bar musst du nachfüllen',
      'es waren nur noch 0,7 bar',
      'Heizung gluckert seit gestern',
    ],
    go: ['Registrieren', 'Powered by phpBB', 'Übersicht'],
  },
  {
    name: 'shop, product page',
    html: page(
      'en',
      'Trailhead 45 rucksack | Fell & Fern',
      `<div class="announcement-bar">Free delivery over £50</div><header><a href="/">Fell & Fern</a><nav><a href="/tents">Tents</a><a href="/packs">Rucksacks</a></nav><a href="/cart">Cart (0)</a></header>
<nav class="breadcrumbs"><a href="/">Home</a> / <a href="/packs">Rucksacks</a></nav><main><div class="product"><div class="product-gallery"><img src="1.jpg" alt=""></div><div class="product-info"><h1>Trailhead 45 rucksack</h1><p class="price">£129.00</p><p>A 45-litre rucksack for walks of three to five days, with a frame that can be taken out and a rain cover in the lid.</p><form><label>Colour</label><select><option>Moss</option></select><button>Add to basket</button></form></div>
<div class="tabs"><h2>Details</h2><ul><li>Weight: 1,480 g</li><li>Back length: 43 to 51 cm</li><li>Recycled nylon, 210 denier</li></ul><h2>Care</h2><p>Wash it by hand with mild soap and dry it in the shade, never in a tumble dryer.</p></div></div>
<section class="upsell"><h2>Customers also bought</h2><ul><li><a href="/1">Trekking poles, pair <span>£49.00</span></a></li><li><a href="/2">Down sleeping bag <span>£189.00</span></a></li></ul></section></main>
<div class="newsletter-signup"><h3>Ten percent off your first order</h3><p>Sign up to our newsletter and be the first to hear about new arrivals, sales and stories from the hills.</p><form><input></form></div><footer><p>Fell & Fern Ltd, registered in England</p></footer>`,
    ),
    stay: [
      'Trailhead 45 rucksack',
      '£129.00',
      'walks of three to five days',
      'Back length: 43 to 51 cm',
      'never in a tumble dryer',
    ],
    go: [
      'Free delivery',
      'Trekking poles',
      'Customers also bought',
      'Ten percent off',
      'registered in England',
      'Add to basket',
    ],
  },
  {
    name: 'Rezept mit viel Beiwerk',
    html: page(
      'de',
      'Omas Zwetschgenkuchen - Küchenglück',
      `<div class="header-wrap"><a href="/">Küchenglück</a><ul class="nav"><li><a href="/r">Rezepte</a></li><li><a href="/s">Saison</a></li></ul></div>
<div class="container"><div class="row"><div class="col-8"><div class="recipe" itemscope><h1 itemprop="name">Omas Zwetschgenkuchen</h1><div class="rating">4,8 von 5 (213 Bewertungen)</div><p>Der Kuchen gelingt mit reifen, aber festen Zwetschgen und einem Hefeteig, der eine Stunde gehen darf.</p><div class="print-buttons"><a href="#">Drucken</a> <a href="#">Merken</a></div>
<h2>Zutaten</h2><table><tr><td>500 g</td><td>Mehl</td></tr><tr><td>1 Würfel</td><td>Hefe</td></tr><tr><td>1,5 kg</td><td>Zwetschgen</td></tr></table>
<h2>Zubereitung</h2><ol><li>Mehl, Hefe, Zucker und lauwarme Milch zu einem glatten Teig kneten.</li><li>Den Teig zugedeckt an einem warmen Ort eine Stunde gehen lassen.</li><li>Bei 180 Grad Umluft 35 Minuten backen.</li></ol><p><strong>Tipp:</strong> Mit Streuseln wird er noch besser.</p></div>
<div class="empfehlungen"><h3>Das könnte Ihnen auch gefallen</h3><div><a href="/1"><img><span>Apfelstrudel wie in Wien</span></a></div><div><a href="/2"><img><span>Marmorkuchen vom Blech</span></a></div></div>
<div class="kommentare"><h3>Kommentare</h3><div><b>Gerda</b><p>Bei mir ist der Teig leider gar nicht aufgegangen, woran kann das liegen?</p></div></div></div>
<div class="col-4 sidebar"><div class="box"><h4>Newsletter</h4><p>Jede Woche drei neue Rezepte kostenlos in Ihr Postfach.</p></div></div></div></div>`,
    ),
    stay: [
      'Omas Zwetschgenkuchen',
      'reifen, aber festen Zwetschgen',
      '1,5 kg | Zwetschgen',
      'eine Stunde gehen lassen',
      'Bei 180 Grad Umluft',
      'Mit Streuseln',
    ],
    go: ['Apfelstrudel', 'gar nicht aufgegangen', 'Jede Woche drei neue', 'Das könnte Ihnen', 'Merken'],
  },
  {
    name: 'Behördenseite mit Seitenleisten',
    html: page(
      'de',
      'Personalausweis beantragen | Stadt Lindau am Moor',
      `<ul class="sprungmarken"><li><a href="#i">Zum Inhalt springen</a></li></ul><div id="kopf"><a href="/">Stadt Lindau am Moor</a></div><div id="navi-haupt"><ul><li><a href="/r">Rathaus</a></li><li><a href="/k">Kultur</a></li></ul></div>
<div id="navi-links"><ul><li><a href="/1">Reisepass</a></li><li><a href="/2">Führungszeugnis</a></li><li><a href="/3">Meldebescheinigung</a></li></ul></div>
<div id="i" class="content" role="main"><h1>Personalausweis beantragen</h1><p>Den Personalausweis beantragen Sie persönlich im Bürgerbüro; eine Vertretung ist nicht möglich.</p>
<h2>Benötigte Unterlagen</h2><ul><li>bisheriger Ausweis oder Geburtsurkunde</li><li>ein biometrisches Passbild, nicht älter als sechs Monate</li></ul>
<h2>Gebühren</h2><table><caption>Gebühren ab 2024</caption><tr><th>Alter</th><th>Gebühr</th></tr><tr><td>unter 24 Jahren</td><td>22,80 Euro</td></tr><tr><td>ab 24 Jahren</td><td>37,00 Euro</td></tr></table>
<h2>Bearbeitungszeit</h2><p>Etwa drei Wochen.</p><h2>Formulare</h2><ul><li><a href="/v.pdf">Vollmacht zur Abholung (PDF, 84 kB)</a></li></ul></div>
<div id="rechts"><div class="kontaktbox"><h3>Kontakt</h3><p>Bürgerbüro, Marktplatz 1<br>Telefon 08382 1234</p></div></div><div id="fusszeile"><a href="/imp">Impressum</a> <a href="/b">Barrierefreiheit</a> Seite zuletzt geändert am 4. Mai</div>`,
    ),
    stay: [
      'eine Vertretung ist nicht möglich',
      'nicht älter als sechs Monate',
      'Alter: ab 24 Jahren | Gebühr: 37,00 Euro',
      'Etwa drei Wochen',
    ],
    go: ['Führungszeugnis', 'Zum Inhalt springen', 'Seite zuletzt geändert', 'Rathaus'],
  },
  {
    name: 'question and answers',
    html: page(
      'en',
      'How do I keep a cast iron pan from rusting? - Kitchen Answers',
      `<header class="top-bar"><a href="/">Kitchen Answers</a><form role="search"><input></form></header><div class="container"><div id="left-sidebar"><a href="/q">Questions</a><a href="/t">Tags</a></div>
<div id="content"><div id="question-header"><h1>How do I keep a cast iron pan from rusting?</h1></div><div id="mainbar"><div class="question"><div class="vote-cell">27</div><div class="post-layout"><div class="s-prose"><p>Whenever I wash my new cast iron pan, brown spots appear overnight. What am I doing wrong?</p></div><div class="post-taglist"><a href="/t/1">cast-iron</a></div></div></div>
<h2>2 Answers</h2><div class="answer accepted"><div class="post-layout"><div class="s-prose"><p>Dry it on the stove, not in the rack: heat drives the water out of the pores.</p><p>While it is still warm, wipe it with a drop of oil, so thinly that it looks dry.</p></div></div></div><div class="answer"><div class="post-layout"><div class="s-prose"><p>Do not soak it, and never put it into a dishwasher; the detergent strips the seasoning.</p></div></div></div></div>
<div id="sidebar"><div class="module"><h4>Hot questions</h4><ul><li><a href="/h1">Why does my bread collapse?</a></li><li><a href="/h2">Can I freeze cooked rice?</a></li></ul></div></div></div></div><footer id="footer">Terms of use</footer>`,
    ),
    stay: [
      'brown spots appear overnight',
      'heat drives the water out',
      'so thinly that it looks dry',
      'strips the seasoning',
    ],
    go: ['Why does my bread collapse', 'Terms of use', 'Hot questions'],
  },
  {
    name: 'blog index: the excerpts are the content',
    html: page(
      'en',
      'Notes from a lighthouse',
      `<div class="masthead"><a href="/">Notes from a lighthouse</a></div><ul class="menu"><li><a href="/about">About</a></li><li><a href="/feed">Feed</a></li></ul><div class="posts">${[
        [
          'The lamp',
          'On Sunday the old lamp failed for the first time since the war, and I climbed the stairs with a torch.',
        ],
        [
          'Fog',
          'Three days of fog, and a ship that answered our horn in the wrong rhythm, which nobody here can explain.',
        ],
        [
          'Supplies',
          'The boat came with flour, batteries and a letter for a keeper who left in 1988, which we sent back.',
        ],
      ]
        .map(
          ([head, words], i) =>
            `<article class="post"><h2><a href="/p/${i}">${head}</a></h2><p>${words}</p><a class="read-more" href="/p/${i}">Read more</a></article>`,
        )
        .join(
          '',
        )}</div><div class="pagination"><a href="/2">Older posts</a></div><div class="footer">Written by hand</div>`,
    ),
    stay: [
      'the old lamp failed',
      'answered our horn in the wrong rhythm',
      'a keeper who left in 1988',
      'Supplies',
    ],
    go: ['Older posts', 'Written by hand', 'Read more'],
  },
  {
    name: 'page of 1999: font tags and line breaks',
    html: `<html><head><title>The history of our mill</title></head><body bgcolor="#ffffff"><center><a href="index.html">Home</a> | <a href="mill.html">The mill</a> | <a href="links.html">Links</a></center><font size="5">The history of our mill</font><br><br><font face="Arial">The mill was built in 1742 by Jonas Hartwell, who had learned his trade in Holland.<br><br>In 1890 a storm took two of its sails; they were replaced by iron ones, which creaked so loudly that the vicar complained.<br><br>It ground its last flour on 11 November 1957.</font><hr><a href="index.html">Back to the home page</a></body></html>`,
    stay: ['built in 1742 by Jonas Hartwell', 'the vicar complained', '11 November 1957'],
    go: ['Links', 'Back to the home page'],
  },
  {
    name: 'FAQ mit aufklappbaren Antworten',
    html: page(
      'de',
      'Häufige Fragen – Stadtwerke Ahlen',
      `<header class="header"><a href="/">Stadtwerke</a><div class="header__nav"><a href="/strom">Strom</a><a href="/gas">Gas</a></div></header><main><div class="hero"><h1>Häufige Fragen</h1><p>Hier finden Sie Antworten rund um Abschlag, Zählerstand und Umzug.</p></div>
<div class="accordion"><details><summary>Wann bekomme ich meine Jahresabrechnung?</summary><p>Die Jahresabrechnung verschicken wir im Februar, bei Umzug innerhalb von sechs Wochen.</p></details><details><summary>Wie melde ich den Zählerstand?</summary><p>Am schnellsten über das Kundenportal; die Karte per Post gilt aber ebenso.</p></details><details><summary>Kann ich den Abschlag ändern?</summary><p>Ja, jederzeit um bis zu 30 Prozent nach oben oder unten.</p></details></div></main>
<section class="cta-banner"><h2>Noch Fragen?</h2><a href="/k">Kontakt aufnehmen</a></section><footer class="page-footer"><ul><li><a href="/i">Impressum</a></li></ul></footer>`,
    ),
    stay: [
      'Wann bekomme ich meine Jahresabrechnung?',
      'innerhalb von sechs Wochen',
      'die Karte per Post gilt aber ebenso',
      '30 Prozent nach oben',
      'rund um Abschlag',
    ],
    go: ['Impressum', 'Kontakt aufnehmen'],
  },
  {
    name: 'wiki article with infobox, edit links and link boxes',
    html: page(
      'en',
      'Lake Orsa – OpenPedia',
      `<div id="mw-head"><ul><li><a href="/talk">Talk</a></li><li><a href="/hist">View history</a></li></ul></div><div id="content" class="mw-body" role="main"><h1>Lake Orsa</h1><div class="mw-parser-output"><table class="infobox"><tr><th>Area</th><td>81 km²</td></tr><tr><th>Depth</th><td>97 m</td></tr></table>
<p><b>Lake Orsa</b> is a <a href="/w/lake">lake</a> in the <a href="/w/n">northern</a> highlands, formed when a glacier retreated about 9,000 years ago.<sup><a href="#n1">[1]</a></sup></p><div class="toc" role="navigation"><h2>Contents</h2><ul><li><a href="#e">1 Ecology</a></li></ul></div>
<h2>Ecology<span class="mw-editsection">[<a href="/edit">edit source</a>]</span></h2><p>Its water is poor in nutrients, and only <a href="/w/char">Arctic char</a> and <a href="/w/whitefish">whitefish</a> breed in it.</p><p>Since 1974 fishing is allowed from June to September.</p>
<div class="navbox" role="navigation"><a href="/w/1">Lake Siljan</a> · <a href="/w/2">Lake Runn</a> · <a href="/w/3">Lake Skattungen</a></div></div><div id="catlinks"><a href="/c">Categories</a>: <a href="/c/1">Lakes of the highlands</a></div></div><div id="footer">This page was last edited in May</div>`,
    ),
    stay: [
      'Area: 81 km²',
      'a glacier retreated about 9,000 years ago',
      'poor in nutrients',
      'from June to September',
    ],
    go: ['View history', 'edit source', 'Lake Skattungen', 'Lakes of the highlands', 'last edited'],
  },
  {
    name: 'Pressemitteilung im Baukasten aus lauter div',
    html: page(
      'de',
      'Neues Werk in Görlitz | Hallmann Ventile GmbH',
      `<div class="l-wrapper"><div class="l-top"><div class="m-langswitch"><a href="/en">English</a></div><div class="m-mainnav"><div><a href="/p">Produkte</a></div><div><a href="/u">Unternehmen</a></div></div></div>
<div class="l-stage"><div class="c-headline"><h1>Neues Werk in Görlitz nimmt Betrieb auf</h1></div></div><div class="l-section"><div class="c-text"><p><strong>Görlitz, 14. Juni.</strong> Nach nur 16 Monaten Bauzeit hat die Hallmann Ventile GmbH ihr drittes Werk eröffnet.</p></div></div>
<div class="l-section"><div class="c-text"><p>Auf 8.400 Quadratmetern entstehen künftig Absperrklappen für die Wasserwirtschaft; 120 Menschen arbeiten dort.</p></div></div><div class="l-section"><div class="c-quote"><blockquote>„Die Nähe zu Polen und Tschechien war ausschlaggebend“, sagt Geschäftsführerin Petra Hallmann.</blockquote></div></div>
<div class="l-section"><div class="c-linklist"><ul><li><a href="/1">Zur Übersicht</a></li><li><a href="/2">Pressefotos herunterladen</a></li></ul></div></div>
<div class="l-section"><div class="c-teaserrow"><div class="c-teaser"><h3><a href="/n1">Hallmann auf der Fachmesse in München</a></h3><a href="/n1">mehr</a></div><div class="c-teaser"><h3><a href="/n2">Auszeichnung für Ausbildung</a></h3><a href="/n2">mehr</a></div></div></div>
<div class="l-bottom"><div class="m-footer">Hallmann Ventile GmbH, Industriestraße 9</div></div></div>`,
    ),
    stay: [
      'Neues Werk in Görlitz nimmt Betrieb auf',
      'Nach nur 16 Monaten Bauzeit',
      'Auf 8.400 Quadratmetern',
      'Nähe zu Polen und Tschechien',
    ],
    go: ['Produkte', 'Fachmesse in München', 'Auszeichnung für Ausbildung', 'Pressefotos herunterladen'],
  },
  {
    name: 'event page',
    html: page(
      'en',
      'Night of the Choirs',
      `<div role="banner"><a href="/">City Hall</a></div><div role="navigation"><a href="/w">What is on</a><a href="/v">Visit</a></div><div class="event"><h1>Night of the Choirs</h1><dl><dt>When</dt><dd>Saturday 9 August, 19:30</dd><dt>Where</dt><dd>Great Hall, doors at 19:00</dd><dt>Tickets</dt><dd>£12, under 16 free</dd></dl><p>Eleven choirs sing one after the other, from Tallis to a piece that was finished last week.</p><p>There is an interval of 25 minutes; the bar in the foyer is open.</p><div class="social-links"><a href="#">Share</a><a href="#">Add to calendar</a></div></div>
<div class="related-events"><h3>You may also like</h3><div class="event-card"><a href="/1">Organ recital at lunch time</a><p>Forty minutes of Bach, free of charge.</p></div></div><div role="contentinfo">Charity number 1122334</div>`,
    ),
    stay: ['Saturday 9 August, 19:30', 'under 16 free', 'Eleven choirs sing', 'an interval of 25 minutes'],
    go: ['Organ recital', 'Forty minutes of Bach', 'Charity number', 'Add to calendar', 'What is on'],
  },
  {
    name: 'Stellenanzeige',
    html: page(
      'de',
      'Elektroniker (m/w/d) – Jobs bei Bahn & Berg',
      `<nav class="mainnav"><a href="/">Karriere</a></nav><div id="main-content"><div class="job-header"><h1>Elektroniker (m/w/d) für Betriebstechnik</h1><div class="job-meta">Standort Hof · Vollzeit · ab sofort</div></div><div class="job-body"><h2>Ihre Aufgaben</h2><ul><li>Wartung der Oberleitungen zwischen Hof und Plauen</li><li>Bereitschaft an jedem vierten Wochenende</li></ul><h2>Ihr Profil</h2><ul><li>abgeschlossene Ausbildung in einem Elektroberuf</li><li>Führerschein der Klasse B</li></ul><h2>Wir bieten</h2><p>30 Tage Urlaub, Tarifvertrag und ein Rad, das Sie auch privat fahren dürfen.</p></div><div class="apply"><a href="/a">Jetzt bewerben</a></div></div>
<div class="more-jobs"><h3>Weitere Stellen</h3><ul><li><a href="/1">Gleisbauer in Plauen</a></li><li><a href="/2">Disponentin in Hof</a></li></ul></div><footer>© Bahn & Berg AG</footer>`,
    ),
    stay: [
      'Elektroniker (m/w/d) für Betriebstechnik',
      'Wartung der Oberleitungen',
      'Führerschein der Klasse B',
      '30 Tage Urlaub',
    ],
    go: ['Gleisbauer in Plauen', 'Weitere Stellen', '© Bahn & Berg'],
  },
  {
    name: 'news portal, article among unnamed teasers',
    html: page(
      'en',
      'Owls return to the city park',
      `<div class="css-1x9"><div class="css-a1"><a href="/1">World</a><a href="/2">Science</a><a href="/3">Opinion</a></div><div class="css-b2"><div class="css-c3"><h1>Owls return to the city park</h1><div class="css-d4"><p>For the first time in forty years a pair of tawny owls has raised young in the old oaks of the park.</p><p>Volunteers counted three owlets in the night to Friday, guarded by a female that attacked a jogger in April.</p><p>The gardeners left dead trees standing since 2012, which gave the birds the holes they breed in.</p></div></div>
<div class="css-e5"><div class="css-f6"><a href="/4"><img><h3>What the tide leaves behind</h3></a></div><div class="css-f6"><a href="/5"><img><h3>A museum for broken clocks</h3></a></div><div class="css-f6"><a href="/6"><img><h3>The man who reads sewer maps</h3></a></div></div></div>
<div class="css-g7"><span>Never miss a story.</span><a href="/8">Get our app</a></div></div>`,
    ),
    stay: [
      'Owls return to the city park',
      'raised young in the old oaks',
      'attacked a jogger in April',
      'left dead trees standing since 2012',
    ],
    go: ['What the tide leaves', 'broken clocks', 'Get our app', 'Opinion'],
  },
  {
    name: 'Impressum: eine kurze Seite',
    html: page(
      'de',
      'Impressum',
      `<div class="nav"><a href="/">Start</a><a href="/l">Leistungen</a><a href="/k">Kontakt</a></div><div class="page-impressum"><h1>Impressum</h1><p>Tischlerei Anna Vogt<br>Lindenweg 4<br>17033 Neubrandenburg</p><p>Telefon: 0395 55 12 90<br>Umsatzsteuer-Identifikationsnummer: DE 123 456 789</p></div>`,
    ),
    stay: ['Tischlerei Anna Vogt', '0395 55 12 90', 'DE 123 456 789'],
    go: ['Leistungen'],
  },
  {
    name: 'landing page in sections',
    html: page(
      'en',
      'Tidewatch: flood alerts for your street',
      `<header class="header"><a class="logo" href="/">Tidewatch</a><nav><a href="/p">Pricing</a><a href="/l">Log in</a></nav></header><main><section class="hero"><h1>Flood alerts for your street</h1><p>Tidewatch measures the water in 2,300 drains and warns you two hours before it reaches your door.</p><a class="btn" href="/s">Start now</a></section><section class="features"><div class="feature"><h3>Sensors, not forecasts</h3><p>Each drain reports its level every five minutes, by radio and without batteries.</p></div><div class="feature"><h3>One text message</h3><p>No app is needed: the alert is a text message, in eight languages.</p></div></section><section class="testimonial"><blockquote>We moved the piano upstairs just in time.</blockquote></section></main><footer class="footer"><p>Made in Hull</p></footer>`,
    ),
    stay: [
      'warns you two hours before',
      'every five minutes, by radio',
      'in eight languages',
      'We moved the piano upstairs',
    ],
    go: ['Pricing', 'Made in Hull'],
  },
  {
    name: 'Magazin mit Zwischenboxen und Autorenkasten',
    html: page(
      'de',
      'Die Rückkehr der Nachtzüge - Fernweh Magazin',
      `<header class="siteheader"><a href="/">Fernweh</a></header><div class="article-wrapper"><article><h1>Die Rückkehr der Nachtzüge</h1><div class="article-author">Von <a href="/a">Nils Berger</a></div><div class="article-text"><p>Wer abends in Hamburg einsteigt, frühstückt in Wien: Der Nachtzug, lange totgesagt, ist wieder da.</p><p>Achtzehn Verbindungen führt der neue Fahrplan auf, sechs mehr als im Vorjahr.</p><div class="newsletter-box"><h4>Post aus der Ferne</h4><p>Unser Newsletter bringt Ihnen jeden Freitag die schönsten Reisen ins Postfach, kostenlos und ohne Werbung.</p></div><h2>Teurer als der Flug</h2><p>Ein Bett im Abteil kostet selten unter 120 Euro, und doch sind die Züge im Sommer ausgebucht.</p><p class="werbung">Anzeige</p><p>Die Bahnen bestellen nun neue Wagen, die ersten sollen 2027 rollen.</p></div><div class="author-box"><h3>Nils Berger</h3><p>Nils Berger reist seit zwanzig Jahren mit dem Zug und schreibt darüber Bücher.</p></div></article></div>
<div class="artikel-empfehlungen"><h2>Mehr aus dem Ressort</h2><div><a href="/1"><h3>Mit dem Rad durch das Baltikum</h3><p>Elf Tage, drei Länder und sehr viel Gegenwind von Westen.</p></a></div></div><footer>Fernweh Verlag</footer>`,
    ),
    stay: [
      'frühstückt in Wien',
      'Achtzehn Verbindungen',
      'selten unter 120 Euro',
      'die ersten sollen 2027 rollen',
    ],
    go: [
      'Post aus der Ferne',
      'jeden Freitag die schönsten',
      'reist seit zwanzig Jahren',
      'durch das Baltikum',
      'sehr viel Gegenwind',
      'Fernweh Verlag',
    ],
  },
  {
    name: 'university page with news column',
    html: page(
      'en',
      'Department of Hydrology: Admissions',
      `<div id="wrapper"><div id="header"><a href="/">University of Westmere</a></div><div id="menu"><a href="/s">Study</a><a href="/r">Research</a></div><div id="columns"><div id="leftcol"><ul><li><a href="/1">Staff</a></li><li><a href="/2">Timetable</a></li></ul></div><div id="maincol"><h2>Admissions</h2><p>Applications for the master's course close on 31 January; late ones are read only if places are left.</p><p>You need a first degree in a science and <a href="/ielts">proof of English</a>, for example IELTS 6.5.</p><h3>Fees</h3><p>Tuition is £11,400 a year. Twelve bursaries of £3,000 are given by merit.</p></div><div id="newscol"><h3>News</h3><ul><li><a href="/n1">New flume opened by the vice-chancellor</a></li><li><a href="/n2">PhD prize for work on peat</a></li></ul></div></div><div id="footer">Westmere, Valley Road</div></div>`,
    ),
    stay: ['close on 31 January', 'IELTS 6.5', 'Twelve bursaries of £3,000', 'Admissions'],
    go: ['New flume opened', 'PhD prize', 'Timetable', 'Valley Road'],
  },
  {
    name: 'single page in a form, as ASP.NET makes them',
    html: page(
      'en',
      'Opening hours of the recycling centre',
      `<form id="aspnetForm" action="./"><div class="aspNetHidden"><input type="hidden"></div><div id="Header"><a href="/">Borough of Fenwick</a><a href="/bins">Bins</a></div><div id="MainContent"><h1>Opening hours of the recycling centre</h1><p>The centre in Mill Lane is open on weekdays from 8 am to 6 pm and on Saturdays until 4 pm.</p><p>Vans need a permit, which you can order online and which is free for residents.</p></div><div id="Footer">Borough of Fenwick, Town Hall</div></form>`,
    ),
    stay: ['open on weekdays from 8 am to 6 pm', 'Vans need a permit'],
    go: ['Town Hall', 'Bins'],
  },
  {
    name: 'Liveticker',
    html: page(
      'de',
      'Liveticker zum Hochwasser - Elbblick',
      `<header><a href="/">Elbblick</a></header><main><h1>Liveticker zum Hochwasser</h1><div class="ticker-liste">${[
        ['14:20', 'Der Pegel in Dresden ist in den vergangenen zwei Stunden um vier Zentimeter gefallen.'],
        [
          '13:05',
          'Die Bundesstraße 172 bleibt zwischen Pirna und Königstein gesperrt, wie die Polizei mitteilt.',
        ],
        [
          '11:40',
          'In Meißen füllen Freiwillige seit dem Morgen Sandsäcke; gebraucht werden vor allem Schaufeln.',
        ],
      ]
        .map(([time, words]) => `<div class="eintrag"><span class="zeit">${time}</span><p>${words}</p></div>`)
        .join(
          '',
        )}</div><div class="social-embed"><a href="#">Auf Twitter folgen</a></div></main><footer>Elbblick Medien</footer>`,
    ),
    stay: ['um vier Zentimeter gefallen', 'Bundesstraße 172 bleibt', 'gebraucht werden vor allem Schaufeln'],
    go: ['Auf Twitter folgen', 'Elbblick Medien'],
  },
  {
    name: 'directory: a page of nothing but links',
    html: page(
      'en',
      'Walks by region',
      `<div class="topnav"><a href="/">Home</a></div><h1>Walks by region</h1><ul><li><a href="/1">Around Crummock Water, 9 miles</a></li><li><a href="/2">Haystacks from Gatesgarth, 5 miles</a></li><li><a href="/3">The Fairfield horseshoe, 10 miles</a></li><li><a href="/4">Cat Bells and Maiden Moor, 7 miles</a></li></ul>`,
    ),
    stay: ['Around Crummock Water', 'Haystacks from Gatesgarth', 'Maiden Moor'],
    go: [],
  },
]
